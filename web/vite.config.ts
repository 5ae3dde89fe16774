/** Builds the two pages into `dist/`, and serves them while they are worked on. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const server = process.env.FRONTDESK_URL ?? 'http://127.0.0.1:8000'
const here = (path: string) => join(import.meta.dirname, path)

/** Writes a `.br` and a `.gz` beside every text, so that the server never compresses. */
function compressed(): Plugin {
  const texts = /\.(js|css|html|svg|json|txt|map)$/
  return {
    name: 'frontdesk-compressed',
    apply: 'build',
    async writeBundle({ dir = here('dist') }, bundle) {
      for (const name of Object.keys(bundle).filter((each) => texts.test(each))) {
        const path = join(dir, name)
        const bytes = await readFile(path)
        const params = {
          [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        }
        await writeFile(`${path}.br`, brotliCompressSync(bytes, { params }))
        await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }))
      }
    },
  }
}

/** A part that is loaded later is one file, so there is nothing to load beside it and the helper for that can go. */
function plainImports(): Plugin {
  const helper = '\0vite/preload-helper.js'
  return {
    name: 'frontdesk-plain-imports',
    apply: 'build',
    enforce: 'pre',
    load: (id) => (id === helper ? 'export const __vitePreload = (load) => load()' : null),
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk' || !chunk.isDynamicEntry || !chunk.viteMetadata?.importedCss.size) continue
        this.error(`${chunk.name} would be shown without its styles: import them where the page begins`)
      }
    },
  }
}

/** The addresses that the real server gives the pages. */
function pages(): Plugin {
  const files: Record<string, string> = { '/': '/user/index.html', '/console/': '/console/index.html' }
  return {
    name: 'frontdesk-pages',
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const [path = '/', query] = (request.url ?? '/').split('?')
        if (path === '/console') {
          response.writeHead(308, { location: '/console/' })
          return response.end()
        }
        const file = files[path]
        if (file) request.url = query ? `${file}?${query}` : file
        next()
      })
    },
  }
}

/** What both pages begin with, in one file: small ones compress worse, and each is a request more. */
function isBase(id: string): boolean {
  if (/vite\/preload-helper|node_modules\/(react|react-dom|scheduler)\//.test(id)) return true
  return /web\/(sdk|ui)\/src\//.test(id) && !seldom.test(id)
}

/** Behind an `import()` in `ui/src/later`, in a language that has to be chosen, or for admins alone. */
const seldom =
  /\.css$|messages\/(de|ar)|sdk\/src\/inbox|LoginPage|ui\/src\/files\/(files|AttachmentView|UploadView|Lightbox|fileName)|Tray|MenuList|DatePill|Dialog|Kept|preferences|seldomIcons|overlay\/overlay/

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), plainImports(), pages(), compressed()],
  resolve: {
    alias: [
      { find: '@frontdesk/sdk/inbox', replacement: here('sdk/src/inboxClient.ts') },
      { find: '@frontdesk/sdk/react', replacement: here('sdk/src/react.ts') },
      { find: '@frontdesk/ui/seldomIcons', replacement: here('ui/src/seldomIcons.ts') },
      { find: '@frontdesk/ui/plural', replacement: here('ui/src/text/plural.ts') },
      { find: /^@frontdesk\/sdk$/, replacement: here('sdk/src/index.ts') },
      { find: /^@frontdesk\/ui$/, replacement: here('ui/src/index.ts') },
    ],
  },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // `light-dark()` is kept as it is written; older browsers have none of what the pages need.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // All of these load modules ahead by themselves.
    modulePreload: { polyfill: false },
    // Nothing is inlined: the pages' policy allows no `data:` for scripts and styles.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { user: here('user/index.html'), console: here('console/index.html') },
      output: { codeSplitting: { groups: [{ name: 'base', test: isBase }] } },
    },
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: {
      '/api': { target: server },
      '/ws': { target: server, ws: true },
    },
  },
})
