// @vitest-environment happy-dom
import 'fake-indexeddb/auto'
import { act, cleanup, render, screen } from '@testing-library/react'
import { StrictMode } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Client, ClientOptions, User } from '../src'
import { createClient } from '../src/client'
import type { Env } from '../src/env'
import { createInboxClient } from '../src/inboxClient'
import { useConnection, useInbox, useReadable, useRoom } from '../src/react'
import { createValue } from '../src/value'
import { ada, createEnv, type FakeServer, grace, startServer, until } from './fakeServer'

let server: FakeServer
let client: Client

beforeEach(async () => {
  server = await startServer()
  server.open(7)
  // The window's fetch judges origins; this test has none.
  vi.stubGlobal('fetch', nodeFetch)
})

const nodeFetch = (url: string, init: RequestInit = {}) =>
  import('node:http').then(
    ({ request }) =>
      new Promise<Response>((resolve, reject) => {
        const headers = init.headers as Record<string, string>
        const call = request(url, { method: init.method ?? 'GET', headers }, (answer) => {
          let text = ''
          answer.on('data', (chunk) => {
            text += chunk
          })
          answer.on('end', () => resolve(new Response(text, { status: answer.statusCode ?? 200 })))
        })
        call.on('error', reject)
        call.end(init.body as string | undefined)
      }),
  )

afterEach(async () => {
  cleanup()
  client?.close()
  await server.stop()
  vi.unstubAllGlobals()
})

function connect<Made extends Client>(user: User, create: (options: ClientOptions, env: Env) => Made): Made {
  const made = create(
    { url: server.url, token: async () => String(user.id), account: `react-${user.id}` },
    createEnv((url, protocols) => new WebSocket(url, protocols)),
  )
  client = made
  return made
}

const seen = (text: string) => act(async () => void (await until(() => screen.queryByText(text))))

test('a value is read, and read again when it changes', () => {
  const value = createValue('one')
  const Show = () => <p>{useReadable(value)}</p>
  render(<Show />)
  act(() => value.set('two'))
  expect(screen.getByText('two')).toBeTruthy()
})

test('a mounted room is followed over one connection, and left when it goes', async () => {
  connect(grace, createClient)
  function Room() {
    const { state, handle } = useRoom(client, 7)
    const { status } = useConnection(client)
    return (
      <button type="button" onClick={() => handle.send('Hi')}>
        {status} {state.messages.map((message) => message.message).join()}
      </button>
    )
  }
  server.says(ada, 7, 'Hello')
  const page = render(
    <StrictMode>
      <Room />
    </StrictMode>,
  )
  await seen('online Hello')
  act(() => screen.getByRole('button').click())
  await seen('online Hello,Hi')
  expect(server.connects).toBe(1)
  page.unmount()
  await until(() => server.connections() === 0)
})

test('the inbox is a list of rooms', async () => {
  const admins = connect(ada, createInboxClient)
  function List() {
    const { state } = useInbox(admins)
    return <p>{state.rooms.map((room) => room.user.name).join()}</p>
  }
  render(<List />)
  await seen('Grace')
})
