/** What is new for the person who looks: counted from the state, so that it cannot drift. */
import type { RoomState, ShownMessage } from '@frontdesk/sdk'

/** The last one that fits. */
export function last<T>(list: readonly T[], fits: (item: T) => boolean): T | undefined {
  for (let index = list.length - 1; index >= 0; index -= 1) {
    const item = list[index]
    if (item !== undefined && fits(item)) return item
  }
  return undefined
}

/** The other side's: for an admin the user's messages, for a user the admins'. */
export const isTheirs = (state: RoomState, message: ShownMessage): boolean =>
  !message.own && message.sender.role !== (state.me?.role ?? 'user')

/** The newest stored message of the other side. */
export function newestTheirs(state: RoomState): (ShownMessage & { id: number }) | null {
  const found = last(state.messages, (message) => message.id !== null && isTheirs(state, message))
  return found && found.id !== null ? { ...found, id: found.id } : null
}
