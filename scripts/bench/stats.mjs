// Arithmetic of the benchmarks: the middle of some rounds, how much a curve grows, and which runs a busy machine spoilt.

/** Other programs that take more than this share of the machine spoil a figure. */
export const busyShare = 0.1
/** So much slower than the machine can be is a machine that was disturbed. */
export const driftShare = 0.1
/** A generator that takes more than this share of its core is the limit, not the server. */
export const fullShare = 0.9

/** The value in the middle, or between the two in the middle. */
export function middle(values) {
  const sorted = [...values].sort((one, other) => one - other)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : sorted.length ? (sorted[half - 1] + sorted[half]) / 2 : undefined
}

/** How much a cost rises from any smaller size to any larger: 1 is flat or falling. */
export function growth(points) {
  const sorted = [...points].sort((one, other) => one.x - other.x)
  const rises = sorted.flatMap(({ y }, place) => sorted.slice(place + 1).map((later) => later.y / y))
  return rises.length ? Math.max(1, ...rises) : undefined
}

/** What went wrong with messages, of counts that have it. */
export function wrongs(counts) {
  return [counts.lost, counts.doubled, counts.out_of_order + counts.seq_wrong]
}

/** All counts in a report of the generator, however deep. */
export function countsIn(result) {
  if (!result || typeof result !== 'object') return []
  const own = result.counts?.sent === undefined ? [] : [result.counts]
  return [...own, ...Object.values(result).flatMap(countsIn)]
}

/** The highest share of its core that the generator needed in a run while something was measured. */
export function generatorShare(result) {
  if (!result || typeof result !== 'object') return 0
  const own = result.generator?.total ?? 0
  return Math.max(own, ...Object.values(result).map(generatorShare))
}

/** What a fixed computation takes on either core when nobody disturbs it: the fast end of all that was seen. */
export function yardstick(runs) {
  const fast = (read) => {
    const sorted = probes(runs)
      .map(read)
      .sort((one, other) => one - other)
    return sorted[Math.floor(sorted.length / 10)]
  }
  return { server: fast(({ server }) => server.compute_ms), generator: fast(({ generator }) => generator.compute_ms) }
}

/** Before and after each run. */
export function probes(runs) {
  return runs.flatMap(({ noise }) => (noise ? [noise.before, noise.after] : []))
}

/** Whether the machine was slower than it can be, or others were at work, around a run. */
export function isNoisy({ noise }, reference) {
  if (!noise) return false
  const slow = [noise.before, noise.after].some(
    ({ server, generator }) =>
      server.compute_ms > reference.server * (1 + driftShare) ||
      generator.compute_ms > reference.generator * (1 + driftShare),
  )
  return slow || noise.others > busyShare
}

/** A number as people read it. */
export function shown(value, places) {
  if (value === undefined || value === null) return '–'
  return value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })
}

/** One figure, or the lowest and the highest. */
export function range(values, places) {
  if (values.length === 0) return '–'
  const [low, high] = [shown(Math.min(...values), places), shown(Math.max(...values), places)]
  return low === high ? low : `${low} – ${high}`
}

/** The value at a dotted path. */
export const at = (path) => (result) => path.split('.').reduce((value, key) => value?.[key], result)
