import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { name as nameSchema } from '../../../shared/manifest.ts';
import {
  aliasName,
  registerRequests,
  setAliasRequest,
  setCardRequest,
  setTagsRequest,
  versionNumber,
  type AliasHistory,
  type AliasView,
  type InspectionView,
  type ItemList,
  type ItemView,
  type Kind,
  type LineageView,
  type RegisteredVersion,
  type VersionList,
  type VersionView,
} from '../../../shared/registry.ts';
import { deleteAlias, setAlias, setCard, setTags, viewOfChange } from '../../domain/registry/change-item.ts';
import { removeVersion } from '../../domain/registry/delete-version.ts';
import { needItem, needVersion, viewOfItem, viewOfVersion } from '../../domain/registry/find-version.ts';
import { lineageOf } from '../../domain/registry/lineage-of.ts';
import { registerVersion, type Registration } from '../../domain/registry/register-version.ts';
import { listAliasChanges } from '../../store/aliases.ts';
import { findInspection } from '../../store/inspections.ts';
import { listItems, type ItemKey, type ItemRow } from '../../store/items.ts';
import { listVersions, type VersionRow } from '../../store/versions.ts';
import { requireScope } from '../auth.ts';
import type { ControlEnv } from '../context.ts';
import { check, limitBody, numberCursor, readJson } from '../read-request.ts';

/** Bytes; ten thousand labels of 50 letters take half of it. */
const maxDocumentBytes = 1_048_576;
/** Bytes; a card of letters outside ASCII takes up to four a character. */
const maxChangeBytes = 524_288;

const query = z.string().min(1).max(100).optional();
const cursor = nameSchema.optional();

/** What models, data sets and bundles have in common: names with versions. */
export const registryRoutes = (kind: Kind) =>
  new Hono<ControlEnv>()
    .get('/', requireScope('read'), async (c) => {
      const { project } = c.get('caller');
      const found = await listItems(
        c.get('services').stores.db,
        { project, kind },
        {
          query: check(c, query, c.req.query('q'), 'q'),
          after: check(c, cursor, c.req.query('cursor'), 'the cursor'),
        },
      );
      return c.json({ items: found.rows.map(viewOfItem), next: found.next } satisfies ItemList);
    })
    .get('/:name', requireScope('read'), async (c) =>
      c.json(shown(await needItem(c.get('services').stores.db, keyOf(c, kind)))),
    )
    .put('/:name/tags', requireScope('write'), limitBody(maxChangeBytes), async (c) => {
      const { tags } = await readJson(c, setTagsRequest);
      return c.json(shown(await setTags(c.get('services').stores, keyOf(c, kind), tags, c.get('change'))));
    })
    .put('/:name/card', requireScope('write'), limitBody(maxChangeBytes), async (c) => {
      const { card } = await readJson(c, setCardRequest);
      return c.json(shown(await setCard(c.get('services').stores, keyOf(c, kind), card, c.get('change'))));
    })
    .post('/:name/versions', requireScope('write'), limitBody(maxDocumentBytes), async (c) => {
      const { name } = keyOf(c, kind);
      const document = await readJson<Registration['document']>(c, registerRequests[kind]);
      const registration = { name, kind, document } as Registration;
      const { stores } = c.get('services');
      const { created, version } = await registerVersion(stores, registration, c.get('change'));
      return c.json(version satisfies RegisteredVersion, created ? 201 : 200);
    })
    .get('/:name/versions', requireScope('read'), async (c) => {
      const { db } = c.get('services').stores;
      const key = keyOf(c, kind);
      const { aliases } = await needItem(db, key);
      const { rows, next } = await listVersions(db, key, numberCursor(c));
      const versions = rows.map((row) => viewOfVersion(row, aliases));
      return c.json({ versions, next } satisfies VersionList);
    })
    .get('/:name/versions/:ref', requireScope('read'), async (c) => {
      const row = await versionOf(c, kind);
      const { aliases } = await needItem(c.get('services').stores.db, row);
      return c.json(viewOfVersion(row, aliases) satisfies VersionView);
    })
    .delete('/:name/versions/:version', requireScope('write'), async (c) => {
      const number = z.coerce.number().pipe(versionNumber);
      const version = check(c, number, c.req.param('version'), 'the version');
      await removeVersion(c.get('services').stores, { ...keyOf(c, kind), version }, c.get('change'));
      return c.body(null, 204);
    })
    .get('/:name/versions/:ref/lineage', requireScope('read'), async (c) => {
      const row = await versionOf(c, kind);
      return c.json((await lineageOf(c.get('services').stores, row)) satisfies LineageView);
    })
    .get('/:name/versions/:ref/inspection', requireScope('read'), async (c) => {
      const row = await versionOf(c, kind);
      const inspection = (await findInspection(c.get('services').stores.db, row)) ?? null;
      return c.json({ inspection } satisfies InspectionView);
    })
    .put('/:name/aliases/:alias', requireScope('write'), limitBody(maxChangeBytes), async (c) => {
      const key = keyOf(c, kind);
      const alias = aliasOf(c);
      const { version } = await readJson(c, setAliasRequest);
      const set = await setAlias(c.get('services').stores, key, { alias, version }, c.get('change'));
      return c.json(set satisfies AliasView);
    })
    .delete('/:name/aliases/:alias', requireScope('write'), async (c) => {
      await deleteAlias(c.get('services').stores, keyOf(c, kind), aliasOf(c), c.get('change'));
      return c.body(null, 204);
    })
    .get('/:name/aliases/:alias/history', requireScope('read'), async (c) => {
      const { db } = c.get('services').stores;
      const key = keyOf(c, kind);
      await needItem(db, key);
      const { rows, next } = await listAliasChanges(db, key, aliasOf(c), numberCursor(c));
      return c.json({ history: rows.map(viewOfChange), next } satisfies AliasHistory);
    });

const shown = (row: ItemRow): ItemView => ({ ...viewOfItem(row), card: row.card });

const keyOf = (c: Context<ControlEnv>, kind: Kind): ItemKey => ({
  project: c.get('caller').project,
  kind,
  name: check(c, nameSchema, c.req.param('name'), 'the name'),
});

const aliasOf = (c: Context<ControlEnv>): string => check(c, aliasName, c.req.param('alias'), 'the alias');

const versionOf = (c: Context<ControlEnv>, kind: Kind): Promise<VersionRow> =>
  needVersion(c.get('services').stores.db, keyOf(c, kind), c.req.param('ref') ?? 'latest');
