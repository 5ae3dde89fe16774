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

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), pages(), compressed()],
  resolve: {
    alias: [
      { find: '@frontdesk/sdk/react', replacement: here('sdk/src/react.ts') },
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
    rolldownOptions: { input: { user: here('user/index.html'), console: here('console/index.html') } },
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
