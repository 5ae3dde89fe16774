// What is measured: groups of cells. A cell is one scenario of the load generator with its size, for some of the peers.

const everybody = ['frontdesk', 'django-full', 'django', 'django-daphne', 'django-redis', 'bare']
// What Daphne adds to the picture is seen in chat.
const most = everybody.filter((peer) => peer !== 'django-daphne')
const chatWorld = { rooms: 1_000, messages: 10_000 }

/** The groups in their order. `quick` is for a look: shorter, fewer, once. */
export function plan(quick) {
  const seconds = quick ? 2 : 4
  const timed = ['--seconds', seconds, '--warmup', quick ? 0.5 : 1]
  const repeats = quick ? 1 : 2
  const same = ['frontdesk', 'django-full', 'django', 'bare']
  const some = quick ? same : most
  const pair = ['frontdesk', 'bare']
  const chat = (name, peers, ...args) => ({ name, peers, world: chatWorld, args: ['chat', ...args, ...timed] })
  const large = (rooms, messages = 0) => ({ rooms, messages })
  return [
    {
      key: 'chat',
      title: 'Chat as fast as it goes',
      repeats,
      cells: [
        chat('50 rooms, 1 message under way in each', quick ? some : everybody, '--rooms', 50, '--outstanding', 1),
        // What is best for Django: more in each of few rooms.
        ...(quick ? [] : [chat('50 rooms, 16 messages under way in each', same, '--rooms', 50, '--outstanding', 16)]),
        {
          name: '500 rooms, 4 messages under way in each',
          peers: same,
          world: chatWorld,
          // Django's in-memory layer needs seconds for the first two thousand.
          args: ['chat', '--rooms', 500, '--outstanding', 4, '--warmup', 4, '--seconds', quick ? 4 : 8],
        },
        chat(
          '500 rooms, 4 under way, a read receipt for every 5 messages',
          ['frontdesk'],
          '--rooms',
          500,
          '--outstanding',
          4,
          '--receipts',
          5,
        ),
      ],
    },
    {
      key: 'rate',
      title: 'Delay at an even rate',
      repeats,
      cells: [
        chat('100 messages a second, 50 rooms', some, '--rooms', 50, '--rate', 100),
        chat('500 messages a second, 50 rooms', some, '--rooms', 50, '--rate', 500),
        chat('5,000 messages a second, 500 rooms', pair, '--rooms', 500, '--rate', 5_000),
      ],
    },
    {
      key: 'fanout',
      title: 'One room, many listeners',
      repeats,
      cells: [
        {
          name: '100 listeners, 4 messages under way',
          peers: some,
          world: chatWorld,
          args: ['fanout', '--listeners', 100, '--outstanding', 4, ...timed],
        },
        {
          name: '1,000 listeners, 4 messages under way',
          peers: quick ? pair : ['frontdesk', 'django', 'django-redis', 'bare'],
          world: chatWorld,
          args: ['fanout', '--listeners', 1_000, '--outstanding', 4, ...timed],
        },
      ],
    },
    {
      key: 'connect',
      title: 'Connecting',
      repeats,
      cells: [
        { name: '1,000 connections', peers: some, world: large(10_100), args: ['connect', '--connections', 1_000] },
        { name: '10,000 connections', peers: pair, world: large(10_100), args: ['connect', '--connections', 10_000] },
      ],
    },
    {
      key: 'storm',
      title: 'Everybody comes back at once',
      repeats,
      cells: [
        {
          name: '1,000 clients, each says a message',
          peers: some,
          world: large(10_100),
          args: ['storm', '--clients', 1_000],
        },
        {
          name: quick ? '2,000 clients with 10 missed messages each' : '10,000 clients with 10 missed messages each',
          peers: ['frontdesk'],
          world: large(10_100),
          args: ['storm', '--clients', quick ? 2_000 : 10_000, '--missed', 10],
        },
      ],
    },
    {
      key: 'idle',
      title: 'Connections that do nothing',
      repeats: 1,
      cells: [
        {
          name: '1,000 idle connections',
          peers: quick ? pair : most,
          world: large(20_000),
          args: ['idle', '--connections', 1_000, '--idle-seconds', quick ? 2 : 5, ...timed],
        },
        ...(quick
          ? []
          : [
              {
                name: '5,000 idle connections',
                peers: ['frontdesk', 'django', 'bare'],
                world: large(20_000),
                args: ['idle', '--connections', 5_000, '--idle-seconds', 5, ...timed],
              },
              {
                name: '18,000 idle connections',
                peers: pair,
                world: large(20_000),
                args: ['idle', '--connections', 18_000, '--idle-seconds', 30, ...timed],
              },
            ]),
      ],
    },
    {
      key: 'start',
      title: 'From start to ready',
      repeats: 1,
      cells: (quick ? [10_000, 100_000] : [10_000, 1_000_000]).map((messages) => ({
        name: `${messages.toLocaleString('en')} messages in the database`,
        peers: ['frontdesk'],
        world: large(1_000, messages),
        starts: true,
        args: ['start', '--runs', quick ? 5 : 20],
      })),
    },
    {
      key: 'inbox',
      title: 'The inbox over HTTP',
      repeats: 1,
      cells: [
        {
          name: quick ? '10,000 rooms' : '100,000 rooms',
          peers: ['frontdesk'],
          world: quick ? large(10_000, 20_000) : large(100_000, 200_000),
          args: ['inbox', '--requests', quick ? 100 : 500],
        },
      ],
    },
    {
      key: 'curve',
      title: 'What a message costs as everything grows',
      repeats: 1,
      cells: [
        ...(quick ? [1, 10, 100] : [1, 10, 100, 1_000, 5_000]).map((rooms) => ({
          name: `${rooms.toLocaleString('en')} rooms, 1,000 messages a second`,
          x: rooms,
          axis: 'rooms',
          peers: pair,
          world: large(10_100),
          args: ['chat', '--rooms', rooms, '--rate', 1_000, ...timed],
        })),
        ...(quick ? [1, 10, 100] : [1, 10, 100, 1_000, 9_000]).map((listeners) => ({
          name: `${listeners.toLocaleString('en')} listeners`,
          x: listeners,
          axis: 'listeners',
          peers: pair,
          world: chatWorld,
          args: ['fanout', '--listeners', listeners, '--outstanding', 4, ...timed],
        })),
        ...(quick ? [1_000, 100_000] : [1_000, 10_000, 100_000, 1_000_000]).map((messages) => ({
          name: `${messages.toLocaleString('en')} messages stored, 1,000 more a second`,
          x: messages,
          axis: 'messages stored',
          peers: ['frontdesk'],
          world: large(1_000, messages),
          args: ['chat', '--rooms', 50, '--rate', 1_000, ...timed],
        })),
      ],
    },
  ]
}
