// What the kernel says about processes: their descendants, processor time and memory, and what it keeps for all their sockets.
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

/** The processes and all that descend from them. */
export function tree(roots) {
  const children = new Map()
  for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const parent = Number(stat(name)?.[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [...roots]
  for (const pid of found) found.push(...(children.get(pid) ?? []).filter((child) => !found.includes(child)))
  return found
}

/** Seconds of processor time that they have used, with those of their children that have ended, such as PostgreSQL's connections. */
export function processorSeconds(roots) {
  const ticks = tree(roots).flatMap((pid) => stat(pid)?.slice(11, 15).map(Number) ?? [])
  return ticks.reduce((sum, each) => sum + each, 0) / ticksPerSecond
}

/** KiB: all that is resident, of which what is shared counts once, and heap and stacks alone. */
export function memoryOf(roots) {
  const sum = { resident: 0, proportional: 0, anonymous: 0 }
  for (const pid of tree(roots)) {
    const text = textOf(`/proc/${pid}/smaps_rollup`)
    sum.resident += kib(text, 'Rss')
    sum.proportional += kib(text, 'Pss')
    sum.anonymous += kib(text, 'Anonymous')
  }
  return sum
}

/** KiB of the kernel's own objects, most of which are sockets' here, on both ends. */
export function slab() {
  return kib(textOf('/proc/meminfo'), 'Slab')
}

function kib(text, name) {
  return Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0)
}

/** The fields of `stat` after the name, which may hold anything. */
function stat(pid) {
  const text = textOf(`/proc/${pid}/stat`)
  return text ? text.slice(text.lastIndexOf(')') + 2).split(' ') : undefined
}

/** Nothing of a process that has ended meanwhile. */
function textOf(path) {
  try {
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  } catch {
    return ''
  }
}
