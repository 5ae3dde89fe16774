/**
 * Keeps what people download small: gzipped script of each page and of the SDK, against a budget. Counted is all that is
 * loaded before a page can be used: what its HTML names, what that imports, and the parts that the person then waits for
 * (the sign-in form, or a language other than English). Not counted is what is loaded afterwards, when the browser is idle.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

const web = join(import.meta.dirname, '..', 'web')
const dist = join(web, 'dist')
const kilobyte = 1024

const assets = new Map()

/** A built script: its size, the files that it needs, and those that it may ask for. */
function asset(name) {
  if (!assets.has(name)) {
    const code = readFileSync(join(dist, 'assets', name), 'utf8')
    const named = (pattern) => [...code.matchAll(pattern)].map(([, file]) => file)
    assets.set(name, {
      bytes: gzipSync(code, { level: 9 }).length,
      needs: named(/(?:from|import)\s*["'`]\.\/([^"'`]+\.js)["'`]/g),
      mayAsk: named(/import\(\s*["'`]\.\/([^"'`]+\.js)["'`]\s*\)/g),
    })
  }
  return assets.get(name)
}

/** These and all that they import, without what is there already. */
function withImports(names, found = new Set()) {
  for (const name of names) {
    if (found.has(name)) continue
    found.add(name)
    withImports(asset(name).needs, found)
  }
  return found
}

const bytesOf = (names) => [...names].reduce((sum, name) => sum + asset(name).bytes, 0)

/** What a page loads first; `parts` are names of what a person then waits for. */
function pageBytes(page, parts = []) {
  const html = readFileSync(join(dist, page, 'index.html'), 'utf8')
  const first = withImports([...html.matchAll(/(?:src|href)="\/assets\/([^"]+\.js)"/g)].map(([, name]) => name))
  const asked = [...first].flatMap((name) => asset(name).mayAsk)
  const wanted = parts.flatMap((part) => {
    const files = asked.filter((name) => name.startsWith(`${part}-`))
    if (files.length === 0) throw new Error(`${page} has no part ${part}`)
    return files
  })
  return bytesOf(withImports(wanted, first))
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

// React alone is 58 KB of each page.
const sizes = [
  ['user page, the conversation', 90, pageBytes('user')],
  ['user page, the conversation in the longest language', 90, pageBytes('user', ['ar'])],
  ['user page, signing in and the conversation', 90, pageBytes('user', ['LoginPage'])],
  ['console', 111, pageBytes('console')],
  ['console, signing in', 113, pageBytes('console', ['LoginPage'])],
  ['SDK', 12, await sdkBytes()],
]
for (const [name, budget, bytes] of sizes) {
  const over = bytes > budget * kilobyte
  console.log(`${name}: ${(bytes / kilobyte).toFixed(1)} KB of ${budget} KB${over ? ', over its budget' : ''}`)
  if (over) process.exitCode = 1
}
