// Keeps what people download small: gzipped script of each page and of the SDK, against a budget.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

const web = join(import.meta.dirname, '..', 'web')
const dist = join(web, 'dist')
const kilobyte = 1024

/** The scripts that a page loads before it shows anything: its entry, and what that imports. */
function pageBytes(page) {
  const html = readFileSync(join(dist, page, 'index.html'), 'utf8')
  const scripts = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, path]) => path)
  return [...new Set(scripts)].reduce(
    (sum, path) => sum + gzipSync(readFileSync(join(dist, path)), { level: 9 }).length,
    0,
  )
}

/** The SDK as a page of somebody else would bundle it. */
async function sdkBytes() {
  const { build } = await import(pathToFileURL(createRequire(join(web, 'package.json')).resolve('vite')).href)
  const { output } = await build({
    root: web,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      // Not `lib`, which leaves the white space for the page's own build to remove.
      rollupOptions: { input: join(web, 'sdk/src/index.ts'), preserveEntrySignatures: 'strict' },
    },
  })
  return output.reduce((sum, { code = '' }) => sum + gzipSync(code, { level: 9 }).length, 0)
}

// What they are now, so that they only shrink; React alone is 67 KB of each page.
const sizes = [
  ['user page', 102.5, pageBytes('user')],
  ['console', 121.5, pageBytes('console')],
  ['SDK', 13.5, await sdkBytes()],
]
for (const [name, budget, bytes] of sizes) {
  const over = bytes > budget * kilobyte
  console.log(`${name}: ${(bytes / kilobyte).toFixed(1)} KB of ${budget} KB${over ? ', over its budget' : ''}`)
  if (over) process.exitCode = 1
}
