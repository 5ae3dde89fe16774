/** Who is who in a room: frames name people by id, and only some of them by name. */
import type { RoomState } from '@frontdesk/sdk'

export function knownNames(state: RoomState): Map<number, string> {
  const names = new Map(state.messages.map((message) => [message.sender.id, message.sender.name]))
  for (const person of state.typing) names.set(person.user_id, person.name)
  if (state.room) names.set(state.room.user.id, state.room.user.name)
  if (state.me) names.set(state.me.id, state.me.name)
  return names
}

/** The other admins who look at this room now, by name where it is known. */
export function othersHere(state: RoomState): { user_id: number; name: string | null }[] {
  const names = knownNames(state)
  return state.people
    .filter((person) => person.role === 'admin' && person.status === 'online' && person.user_id !== state.me?.id)
    .map(({ user_id }) => ({ user_id, name: names.get(user_id) ?? null }))
}
