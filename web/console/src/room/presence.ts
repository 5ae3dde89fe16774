/** Whether the room's user is here, in words. */

import type { Room } from '@frontdesk/sdk'
import { clockOrDate } from '@frontdesk/ui'
import type { ConsoleText } from '../text'

export function presenceWords(room: Room, text: ConsoleText): string {
  if (room.online) return text.online
  return room.last_seen ? text.last_seen(clockOrDate(room.last_seen)) : text.not_seen
}
