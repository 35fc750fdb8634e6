// One script for the page: the real Prebid.js, the modules that the page needs, and our adapter beside them.
// The adapter is written to lie in `modules/` of Prebid.js; its imports are found where the npm package keeps that tree.
import { build } from 'esbuild';
import path from 'node:path';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const modules = path.join(here, 'node_modules/prebid.js/dist/src/modules');

const asModuleOfPrebid = {
  name: 'as-module-of-prebid',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\.\/(src|libraries)\// }, ({ importer, path: wanted }) =>
      importer.endsWith('adcascadeBidAdapter.js') ? { path: path.join(modules, wanted) } : undefined,
    );
  },
};

await build({
  entryPoints: [path.join(here, 'prebid.entry.js')],
  outfile: process.argv[2],
  bundle: true,
  format: 'iife',
  target: 'chrome110',
  logLevel: 'warning',
  nodePaths: [path.join(here, 'node_modules')],
  plugins: [asModuleOfPrebid],
});
