// What is measured: groups of cells. A cell is one scenario of the load generator with its size, for some of the peers.
import { nodes, nodesIdle } from './nodes-plan.mjs'

const djangos = ['django-full', 'django', 'django-daphne', 'django-redis-full', 'django-redis']
const pair = ['frontdesk', 'bare']
const rooms = (count, messages = 0) => ({ rooms: count, messages })
const chatWorld = rooms(1_000, 10_000)
const crowdWorld = rooms(10_100)
const number = (value) => value.toLocaleString('en')

/**
 * The groups in the order in which they are run: what is long comes last. `quick` is for a look: shorter, fewer, once. `full` adds what
 * needs many minutes to prepare.
 *
 * A cell is `{id, name, peers, world, args, rounds, often, seconds}`: `rounds` of ours and of others that are compared with in `often`,
 * one of the rest; `args` may depend on the peer; after `seconds` a run is given up. With `free` nothing is tied to a core; `columns` names
 * another group's columns for its table. A group that is `asked` for is measured only when ONLY names it.
 */
export function plan({ quick = false, full = false } = {}) {
  const timed = (seconds) => ['--seconds', quick ? 2 : seconds, '--warmup', quick ? 0.5 : 1]
  const few = (peers) => (quick ? peers.filter((peer) => ['frontdesk', 'django-full', 'bare'].includes(peer)) : peers)
  const cell = (id, name, peers, world, args, more = {}) => {
    const { rounds = 1, often = [], ...rest } = more
    return { id, name, peers, world, args, ...rest, rounds: quick ? 1 : rounds, often: ['frontdesk', ...often] }
  }
  const tools = { timed, few, cell, quick, full }
  const groups = [sizes, start, inbox, burst, chat, rate, nodes, fanout, connect, storm, curve, scroll, nodesIdle, idle]
  return groups.map((group) => group(tools))
}

function sizes({ cell }) {
  return {
    key: 'sizes',
    title: 'What is downloaded',
    cells: [cell('sizes', 'pages, SDK and binary', ['frontdesk'], undefined, [], { own: 'sizes' })],
  }
}

function start({ cell, quick }) {
  const worlds = quick ? [10_000, 100_000] : [10_000, 1_000_000]
  return {
    key: 'start',
    title: 'From start to ready',
    cells: worlds.map((messages, place) =>
      cell(
        place ? 'start-large' : 'start-small',
        `${number(messages)} messages in the database`,
        ['frontdesk'],
        rooms(1_000, messages),
        ['start', '--runs', quick ? 5 : 20],
        { starts: true },
      ),
    ),
  }
}

function inbox({ cell, quick }) {
  const count = quick ? 10_000 : 100_000
  return {
    key: 'inbox',
    title: 'The inbox over HTTP',
    cells: [
      cell('inbox', `${number(count)} rooms`, ['frontdesk'], rooms(count, 2 * count), [
        'inbox',
        '--requests',
        quick ? 100 : 1_000,
      ]),
    ],
  }
}

function burst({ cell, few, quick }) {
  return {
    key: 'burst',
    title: 'Many frames for one connection at once',
    cells: [
      cell('burst', '20 frames at once', few(['frontdesk', 'django-full', 'bare']), chatWorld, [
        'burst',
        '--frames',
        20,
        '--bursts',
        quick ? 10 : 50,
      ]),
    ],
  }
}

function chat({ cell, few, timed, quick }) {
  const same = few(['frontdesk', 'django-full', 'django', 'django-redis-full', 'bare'])
  // With a thousand connections Django needs seconds for each of the first two thousand messages.
  const time = (peer) => (pair.includes(peer) ? { warmup: 2, seconds: 8 } : { warmup: 8, seconds: 12 })
  const many =
    (...more) =>
    (peer) => {
      const { warmup, seconds } = quick
        ? { warmup: time(peer).warmup / 2, seconds: time(peer).seconds / 2 }
        : time(peer)
      return ['chat', '--rooms', 500, '--outstanding', 4, '--warmup', warmup, '--seconds', seconds, ...more]
    }
  return {
    key: 'chat',
    title: 'Chat as fast as it goes',
    cells: [
      cell(
        'chat-500x4',
        '500 rooms, 4 messages under way in each',
        few(['frontdesk', ...djangos, 'bare']),
        chatWorld,
        many(),
        { rounds: 3, often: ['django-full'] },
      ),
      cell(
        'chat-receipts',
        '500 rooms, 4 under way, a read receipt for every 5 messages',
        few(['frontdesk', 'django-full']),
        chatWorld,
        many('--receipts', 5),
        { rounds: 3 },
      ),
      cell(
        'chat-50x1',
        '50 rooms, 1 message under way in each',
        few(['frontdesk', ...djangos, 'bare']),
        chatWorld,
        ['chat', '--rooms', 50, '--outstanding', 1, ...timed(4)],
        { rounds: 2, often: ['django-full', 'django-redis-full'] },
      ),
      // What is best for Django: more in each of few rooms.
      cell('chat-50x16', '50 rooms, 16 messages under way in each', same, chatWorld, [
        'chat',
        '--rooms',
        50,
        '--outstanding',
        16,
        ...timed(4),
      ]),
    ],
  }
}

function rate({ cell, few, timed }) {
  const some = few(['frontdesk', 'django-full', 'django', 'django-redis', 'bare'])
  const even = (perSecond, count, seconds) => ['chat', '--rooms', count, '--rate', perSecond, ...timed(seconds)]
  return {
    key: 'rate',
    title: 'Delay at an even rate',
    cells: [
      cell('rate-100', '100 messages a second, 50 rooms', some, chatWorld, even(100, 50, 8), { rounds: 3 }),
      cell('rate-500', '500 messages a second, 50 rooms', some, chatWorld, even(500, 50, 4)),
      cell('rate-5000', '5,000 messages a second, 500 rooms', pair, chatWorld, even(5_000, 500, 6), { rounds: 3 }),
    ],
  }
}

function fanout({ cell, few, timed, quick }) {
  const some = few(['frontdesk', 'django-full', 'django', 'django-redis', 'bare'])
  const crowd = quick ? pair : ['frontdesk', 'django', 'django-redis', 'bare']
  // Each listener is a person of their own, whose coming is told to all others.
  const to = (count) => ['fanout', '--listeners', count, '--people', count, '--outstanding', 4, ...timed(4)]
  return {
    key: 'fanout',
    title: 'One room, many listeners',
    cells: [
      cell('fanout-100', '100 listeners, 4 messages under way', some, chatWorld, to(100)),
      cell('fanout-1000', '1,000 listeners, 4 messages under way', crowd, chatWorld, to(1_000), {
        rounds: 3,
        often: ['bare'],
        seconds: 400,
      }),
    ],
  }
}

function connect({ cell, few }) {
  const all = few(['frontdesk', 'django-full', 'django', 'django-redis', 'bare'])
  return {
    key: 'connect',
    title: 'Connecting',
    cells: [
      cell('connect-1000', '1,000 connections', all, crowdWorld, ['connect', '--connections', 1_000]),
      cell('connect-10000', '10,000 connections', pair, crowdWorld, ['connect', '--connections', 10_000], {
        rounds: 3,
      }),
    ],
  }
}

function storm({ cell, few, quick }) {
  const clients = quick ? 2_000 : 10_000
  return {
    key: 'storm',
    title: 'Everybody comes back at once',
    cells: [
      cell(
        'storm-1000',
        '1,000 clients at once, each says a message',
        few(['frontdesk', 'django-full', 'django', 'django-redis', 'bare']),
        crowdWorld,
        ['storm', '--clients', 1_000],
        { rounds: 3 },
      ),
      cell(
        'storm-missed',
        `${number(clients)} clients at once with 10 missed messages each`,
        ['frontdesk'],
        crowdWorld,
        ['storm', '--clients', clients, '--missed', 10, '--at-once', clients],
        { rounds: 3 },
      ),
    ],
  }
}

function idle({ cell, timed, quick }) {
  const world = rooms(20_000)
  const sized = (count, seconds, back) => [
    'idle',
    '--connections',
    count,
    '--idle-seconds',
    seconds,
    '--return-seconds',
    back,
    ...timed(4),
  ]
  const large = 18_000
  const count = quick ? 4_000 : large
  const time = quick ? 10 : 600
  return {
    key: 'idle',
    title: 'Connections that do nothing',
    cells: [
      cell(
        'idle-1000',
        '1,000 idle connections',
        quick ? pair : ['frontdesk', 'django', 'django-redis', 'bare'],
        world,
        sized(1_000, 5, 5),
      ),
      cell('idle-large-bare', `${number(count)} idle connections`, ['bare'], world, sized(count, 10, 5)),
      cell(
        'idle-large',
        `${number(count)} idle connections for ${time} s`,
        ['frontdesk'],
        world,
        sized(count, time, 30),
        {
          seconds: time + 240,
        },
      ),
    ],
  }
}

function curve({ cell, timed, quick, full }) {
  const tens = (from, to) => Array.from({ length: to - from + 1 }, (_, place) => 10 ** (from + place))
  const stored = quick ? [1_000, 100_000] : tens(3, full ? 7 : 6)
  return {
    key: 'curve',
    title: 'What a message costs as everything grows',
    cells: [
      ...tens(0, quick ? 2 : 4).map((x) =>
        cell(
          `rooms-${x}`,
          `${number(x)} rooms, 1,000 messages a second`,
          pair,
          crowdWorld,
          // Alone, since ten thousand pairs are more connections than a process may have here.
          ['chat', '--alone', '--rooms', x, '--rate', 1_000, ...timed(6)],
          { x, axis: 'rooms' },
        ),
      ),
      ...tens(0, quick ? 2 : 4).map((x) =>
        cell(
          `listeners-${x}`,
          `${number(x)} listeners, 4 messages under way`,
          pair,
          chatWorld,
          ['fanout', '--listeners', x, '--outstanding', 4, ...timed(4)],
          { x, axis: 'listeners' },
        ),
      ),
      ...stored.map((x) =>
        cell(
          `stored-${x}`,
          `${number(x)} messages stored, 1,000 more a second`,
          ['frontdesk'],
          rooms(1_000, x),
          ['chat', '--rooms', 50, '--rate', 1_000, ...timed(6)],
          { x, axis: 'messages stored' },
        ),
      ),
    ],
  }
}

function scroll({ cell, quick }) {
  return {
    key: 'console',
    title: "Scrolling the admins' console",
    cells: [
      cell('console', 'the list of rooms, and a long room', ['frontdesk'], undefined, [], {
        own: 'scroll',
        seconds: quick ? 240 : 400,
      }),
    ],
  }
}
