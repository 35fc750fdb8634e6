// Builds what the console's pages load: a script, the small one before it, one style sheet, one icon. `node build.mjs [FOLDER]`.
import { build } from "esbuild";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? join(here, "../src/adcascade/console/static");

await mkdir(folder, { recursive: true });
const common = { bundle: true, minify: true, legalComments: "none", target: ["es2022", "chrome123", "firefox120", "safari17.5"] };
const notice = "/* htmx: Zero-Clause BSD. uPlot: MIT, Copyright (c) 2022 Leon Sorokin. adcascade: Apache-2.0 */";
await build({ ...common, entryPoints: [join(here, "src/js/main.js")], format: "iife", outfile: join(folder, "console.js"), banner: { js: notice } });
await build({ ...common, entryPoints: [join(here, "src/js/theme.js")], format: "iife", outfile: join(folder, "theme.js") });
await build({ ...common, entryPoints: [join(here, "src/css/main.css")], outfile: join(folder, "console.css"), banner: { css: notice } });
await copyFile(join(here, "src/icon.svg"), join(folder, "icon.svg"));
