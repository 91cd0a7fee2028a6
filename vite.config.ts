import { builtinModules } from 'node:module';
import { defineConfig } from 'vitest/config';
import { assemblyScript, workerSource } from './build/plugins.ts';
import packageJson from './package.json' with { type: 'json' };

const external = [
  ...builtinModules,
  /^node:/,
  ...Object.keys({ ...packageJson.dependencies, ...packageJson.optionalDependencies }).map((name) => new RegExp(`^${name}(/|$)`)),
];

export default defineConfig({
  plugins: [assemblyScript(), workerSource()],
  define: { __ISODEX_VERSION__: JSON.stringify(packageJson.version) },
  build: {
    target: 'es2023',
    minify: false,
    sourcemap: false,
    lib: { entry: { main: 'src/main.ts', node: 'src/node.ts', cli: 'src/cli/main.ts' }, formats: ['es'] },
    rolldownOptions: { external, output: { chunkFileNames: 'chunks/[name]-[hash].js' } },
  },
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
});
