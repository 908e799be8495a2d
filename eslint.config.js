import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * Who may import what. `rooms` are folders of this repository (a room may always import itself), `packages` what a room
 * may take from outside. A room not named here (tests, examples, bench, scripts) may import everything.
 */
const rooms = [
  { room: 'shared', rooms: [], packages: ['zod', '@datadog/sketches-js'] },
  { room: 'workers/store', rooms: ['shared'], packages: ['zod', 'drizzle-orm'] },
  { room: 'workers/domain', rooms: ['shared', 'workers/store'], packages: [] },
  {
    room: 'workers/control',
    rooms: ['shared', 'workers/domain', 'workers/store'],
    packages: ['hono', 'zod'],
  },
  {
    room: 'workers/edge',
    rooms: ['shared', 'workers/store/published.ts'],
    packages: ['hono', 'zod', 'onnxruntime-web'],
  },
  {
    room: 'gpu-runner/onnx',
    rooms: ['shared'],
    packages: ['@bufbuild/protobuf', 'node:fs', 'node:path', 'node:crypto'],
  },
  {
    room: 'gpu-runner/engine',
    rooms: ['shared', 'gpu-runner/onnx'],
    packages: ['onnxruntime-node', 'node:os', 'node:crypto'],
  },
  {
    room: 'gpu-runner/linalg',
    rooms: ['shared', 'gpu-runner/onnx', 'gpu-runner/engine'],
    packages: ['node:async_hooks'],
  },
  {
    room: 'gpu-runner/mtz',
    rooms: ['shared', 'gpu-runner/onnx', 'gpu-runner/engine', 'gpu-runner/linalg'],
    packages: [],
    globals: ['fetch', 'process', 'console'],
  },
  {
    room: 'gpu-runner/data',
    rooms: ['shared', 'gpu-runner/engine'],
    packages: [
      'node:fs',
      'node:zlib',
      'node:path',
      'node:crypto',
      'node:stream',
      'sharp',
      'yauzl',
      'modern-tar',
    ],
  },
  {
    room: 'gpu-runner/bundle',
    rooms: [
      ...['shared', 'gpu-runner/onnx', 'gpu-runner/engine', 'gpu-runner/mtz'],
      'gpu-runner/data/writeFileAtomically.ts',
    ],
    packages: ['node:fs', 'node:path', 'node:crypto', 'hono', 'd3-scale', 'd3-shape', '@petamoriken/float16'],
  },
  {
    room: 'gpu-runner/runner',
    rooms: ['shared', 'gpu-runner'],
    packages: [
      'zod',
      'aws4fetch',
      'prom-client',
      'onnxruntime-node',
      'node:timers',
      'node:util',
      'node:fs',
      'node:path',
      'node:os',
      'node:crypto',
      'node:http',
      'node:net',
      'node:child_process',
      'node:url',
      'node:stream',
      'node:events',
    ],
  },
  { room: 'client', rooms: ['shared'], packages: ['zod', 'eventsource-parser'] },
  {
    room: 'workers/portal',
    rooms: ['shared', 'client'],
    packages: [
      ...['react', 'react-dom', '@base-ui/react', '@tanstack/react-query', 'wouter'],
      ...['d3-scale', 'd3-shape', 'micromark', 'micromark-extension-gfm', 'idb-keyval', '@noble/hashes'],
    ],
  },
  {
    room: 'gpu-runner/serve',
    rooms: ['shared', 'workers/edge', 'workers/store/published.ts', 'gpu-runner/bundle', 'gpu-runner/engine'],
    packages: ['hono', '@hono/node-server', 'node:http', 'node:net', 'node:fs', 'node:path', 'node:os'],
  },
  {
    room: 'gpu-runner/cli',
    rooms: ['shared', 'client', 'gpu-runner'],
    packages: [
      'commander',
      'zod',
      'node:crypto',
      'node:fs',
      'node:os',
      'node:path',
      'node:readline',
      'node:stream',
    ],
  },
];

const escaped = (text) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');

const boundaries = rooms.map(({ room, rooms: allowed, packages, globals = [] }) => ({
  files: [`${room}/**/*.{ts,tsx}`],
  rules: {
    'import-x/no-restricted-paths': [
      'error',
      {
        zones: [
          {
            target: `./${room}`,
            from: '.',
            except: [room, ...allowed, 'node_modules'].map((path) => `./${path}`),
          },
        ],
      },
    ],
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(?!\\.${packages.map((name) => `|${escaped(name)}(?:\\/|$)`).join('')})`,
            message: `${room} may import only: ${[...allowed, ...packages].join(', ') || 'itself'}`,
          },
        ],
      },
    ],
    'no-restricted-globals': ['error', ...globals],
  },
}));

export default tseslint.config(
  {
    ignores: [
      '**/node_modules',
      '**/dist',
      '**/.wrangler',
      '**/.trunkline',
      '**/.build-*',
      '.cache',
      '**/onnx_pb.*',
    ],
  },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    plugins: { 'import-x': importX },
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })] },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'import-x/no-cycle': 'error',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['workers/portal/public/*.js'],
    languageOptions: {
      globals: {
        addEventListener: 'readonly',
        parent: 'readonly',
        DOMParser: 'readonly',
        document: 'readonly',
      },
    },
  },
  ...boundaries,
  prettier,
);
