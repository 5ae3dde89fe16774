// One line about a run, for whoever watches.
import { busyShare, countsIn, wrongs } from './stats.mjs'

export function brief({ failed, skipped, result, noise }) {
  if (failed || skipped) return failed ?? skipped
  const disturbed = noise.others > busyShare && `(others took ${Math.round(noise.others * 100)} % of the machine)`
  return [...figures(result), disturbed].filter(Boolean).join(', ')
}

/** What was lost, doubled or out of order, if anything was. */
function faults(result) {
  const all = countsIn(result).map(wrongs)
  return ['lost', 'doubled', 'out of order'].flatMap((what, place) => {
    const count = all.reduce((sum, counts) => sum + counts[place], 0)
    return count > 0 ? [`${count} ${what}`] : []
  })
}

function figures(result) {
  const { delivery_ms: delivery, back, ready_ms: ready, gzip_kb: sizes, kib_per_connection: kib } = result
  return [
    result.messages_per_second !== undefined && `${Math.round(result.messages_per_second)} messages/s`,
    result.deliveries_per_second !== undefined && `${Math.round(result.deliveries_per_second)} deliveries/s`,
    delivery && `p50 ${delivery.p50} ms, p99 ${delivery.p99} ms`,
    result.per_second && `${result.per_second} connections/s`,
    result.writes_per_burst && `${result.in_one_write} of ${result.bursts} bursts in one write`,
    kib && `${Math.round(kib.resident * 10) / 10} KiB a connection, ${result.disconnected} disconnected`,
    back && `all back after ${back.seconds} s`,
    ...faults(result),
    ready && `ready after ${Math.round(ready.median)} ms`,
    result.summary && `first page p99 ${result['first page'].p99} ms`,
    sizes && `${JSON.stringify(sizes)} KB, binary ${result.binary_mb} MB`,
    !result.counts && !result.joining && JSON.stringify(result).length < 200 && JSON.stringify(result),
  ]
}
