/** The people of the tests, as lines to import. */
import { pbkdf2Sync } from 'node:crypto'

export interface Account {
  id: number
  name: string
  phone: string
  role: 'admin' | 'user'
}

export const password = 'correct horse battery'

export const ada: Account = { id: 1, name: 'Ada Brandt', phone: '+491700000001', role: 'admin' }
export const ines: Account = { id: 2, name: 'Ines Moreau', phone: '+491700000002', role: 'admin' }
export const grace: Account = { id: 3, name: 'Grace Okafor', phone: '+491700000003', role: 'user' }
export const linus: Account = { id: 4, name: 'Linus Vik', phone: '+491700000004', role: 'user' }

/** The rounds are few because nobody guesses this password; the server hashes it anew at the first sign-in. */
const rounds = 1000
const salt = 'frontdesk'
const hash = `pbkdf2_sha256$${rounds}$${salt}$${pbkdf2Sync(password, salt, rounds, 32, 'sha256').toString('base64')}`

export const person = (account: Account) => ({ type: 'user', ...account, password_hash: hash })

export const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()

/** A conversation: who wrote what, a minute apart, the last one `ago` minutes ago. */
export function conversation(room_id: number, user: Account, texts: [Account, string][], ago = 10): object[] {
  const began = ago + texts.length
  return [
    { type: 'room', id: room_id, user_id: user.id, status: 'open', created_at: minutesAgo(began) },
    ...texts.map(([sender, message], index) => ({
      type: 'message',
      room_id,
      sender_id: sender.id,
      message,
      created_at: minutesAgo(began - index - 1),
      client_id: `room-${room_id}-${index}`,
    })),
  ]
}
