// What is measured of nodes: chat on PostgreSQL and Redis beside the origin's production form, and many idle connections over many nodes.

const world = (count, messages = 0) => ({ rooms: count, messages })
const chatWorld = world(1_000, 10_000)
const crowdWorld = world(10_100)
const ours = ['node-redis', 'nodes-redis']
const djangos = ['django-redis', 'django-redis-two']
/** With the layer's capacity as the library sets it, at which it loses messages in a burst. */
const asItComes = 'django-redis-100'

/** Messages under way in each of 50 rooms: what suits one server need not suit the other. */
const loads = [1, 4, 16, 64]
const freeLoads = [1, 4, 64]
export const chatCells = loads.map((count) => `nodes-50x${count}`)
export const freeCells = freeLoads.map((count) => `nodes-free-50x${count}`)
export const evenCell = 'nodes-rate-500'
export const stormCell = 'nodes-storm'

export function nodes({ cell, timed, quick }) {
  // Where thousands wait, the origin's server needs seconds before it goes at an even pace.
  const time = (count, peer) =>
    count < 16 || ours.includes(peer) || quick ? timed(4) : ['--seconds', 10, '--warmup', count / 8]
  const many = (count) => (peer) => ['chat', '--rooms', 50, '--outstanding', count, ...time(count, peer)]
  const some = quick ? ['node-redis', 'django-redis'] : ['node', ...ours, ...djangos]
  const each = (count) => `50 rooms, ${count} ${count > 1 ? 'messages' : 'message'} under way in each`
  const losing = quick ? ['node-redis', asItComes] : [...ours, 'django-redis', asItComes]
  return {
    key: 'nodes',
    title: 'Chat with PostgreSQL and Redis',
    cells: [
      ...loads.map((count, place) =>
        cell(chatCells[place], each(count), some, chatWorld, many(count), {
          rounds: 2,
          often: [...ours, ...djangos],
        }),
      ),
      ...freeLoads.map((count, place) =>
        cell(freeCells[place], `${each(count)}, nothing tied to a core`, some, chatWorld, many(count), { free: true }),
      ),
      cell(
        evenCell,
        '500 messages a second, 50 rooms',
        losing,
        chatWorld,
        ['chat', '--rooms', 50, '--rate', 500, ...timed(4)],
        { rounds: 2, often: [...losing], columns: 'rate' },
      ),
      cell(stormCell, '1,000 clients at once, each says a message', losing, crowdWorld, ['storm', '--clients', 1_000], {
        rounds: 2,
        often: [...losing],
        columns: 'storm',
      }),
    ],
  }
}

/** Larger than what a usual run has the time and the memory for, so only when it is asked for by name. */
export function nodesIdle({ cell, quick }) {
  const size = quick
    ? { nodes: 2, connections: 2_000, seconds: 10, sample: 100 }
    : { nodes: 6, connections: 100_000, seconds: 600, sample: 1_000 }
  const { nodes, connections, seconds } = size
  const name = `${connections.toLocaleString('en')} idle connections on ${nodes} nodes for ${seconds} s`
  return {
    key: 'nodes-idle',
    title: 'Connections that do nothing, on many nodes',
    asked: true,
    cells: [cell('nodes-idle', name, ['nodes-redis'], undefined, size, { own: 'nodesIdle', seconds: seconds + 900 })],
  }
}
