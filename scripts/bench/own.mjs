// What is measured by scripts of their own: sizes of what is downloaded, the admins' console in a browser, and many nodes.
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './host.mjs'

const scripts = join(import.meta.dirname, '..')

export const own = {
  /** Kilobytes of the pages and the SDK as `scripts/sizes.mjs` counts them, and megabytes of the binary. */
  sizes({ server }) {
    const megabytes = Number((statSync(server).size / 1e6).toFixed(1))
    return { binary_mb: megabytes, gzip_kb: sizesIn(said(join(scripts, 'sizes.mjs'), [], 120)) }
  },

  /** Long tasks while somebody scrolls, traced in Chromium. */
  scroll({ server, seconds }) {
    const script = join(scripts, 'bench/scroll.mjs')
    if (!existsSync(script)) throw new Error(`${script} is not there`)
    return JSON.parse(said(script, ['--server', server], seconds).trim().split('\n').at(-1))
  },

  /** Many idle connections on many nodes. */
  nodesIdle({ server, load, seconds, args: { nodes, connections, seconds: idle, sample } }) {
    const size = { nodes, connections, seconds: idle, 'broadcast-sample': sample, server, load }
    const words = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)])
    return JSON.parse(said(join(scripts, '../bench/idle.mjs'), [...words, '--json-only'], seconds))
  },
}

/** `user page: 88.2 KB of 90 KB` on a line each. */
export function sizesIn(text) {
  const lines = [...text.matchAll(/^([^:\n]+): ([\d.]+) KB of ([\d.]+) KB/gm)]
  if (lines.length === 0) throw new Error('the sizes are not said')
  return Object.fromEntries(lines.map(([, name, kilobytes]) => [name, Number(kilobytes)]))
}

/** What a script says; being over a budget is no failure here, where the figure is what counts. */
function said(script, args, seconds) {
  try {
    return run(process.execPath, [script, ...args], { timeout: seconds * 1_000 })
  } catch (error) {
    if (error.status === 1 && error.stdout) return error.stdout
    throw error
  }
}
