import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { openApiDocument } from '../../workers/control/openapi/document.ts';

test('the document is OpenAPI 3.1 by its published schema', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(openApiDocument()));
  expect(result.errors).toBeUndefined();
  expect(result.valid).toBe(true);
  expect(validator.version).toBe('3.1');
});

test('the validator would say so if it were not', async () => {
  const document = { ...structuredClone(openApiDocument()), paths: { jobs: {} } };
  const nothing = await new Validator().validate(document);
  expect(nothing.valid).toBe(false);
});
