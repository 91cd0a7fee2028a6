import { builtinModules } from 'node:module';
import { defineConfig } from 'vitest/config';
import { benchEntries, benchFiles } from './build/bench.ts';
import { assemblyScript, workerSource } from './build/plugins.ts';
import packageJson from './package.json' with { type: 'json' };

const { dependencies, optionalDependencies, peerDependencies } = packageJson;
/** `vite` builds kernels for a bench that runs from a checkout, where it is. */
const packages = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies, vite: '' });
const external = [...builtinModules, /^node:/, ...packages.map((name) => new RegExp(`^${name}(/|$)`))];

export default defineConfig({
  plugins: [assemblyScript(), workerSource(), benchFiles()],
  define: { __ISODEX_VERSION__: JSON.stringify(packageJson.version) },
  build: {
    target: 'es2023',
    minify: false,
    sourcemap: false,
    lib: { entry: { main: 'src/main.ts', node: 'src/node.ts', cli: 'src/cli/main.ts', ...benchEntries() }, formats: ['es'] },
    rolldownOptions: { external, output: { chunkFileNames: 'chunks/[name]-[hash].js' } },
  },
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
});
