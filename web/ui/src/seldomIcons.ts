/** Icons that no conversation shows at first: those of the console, of files, menus and signing in. Importing this brings them. */
import { bringIcons } from './Icon'

export const seldomShapes = {
  back: 'M12 5.5L7.5 10l4.5 4.5',
  done: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM6.9 10.3l2.2 2.2 4-4.6',
  download: 'M10 3.5v9M6 9l4 4 4-4M4 16.5h12',
  globe: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM3 10h14M10 3c2 2 2.8 4.4 2.8 7S12 15 10 17c-2-2-2.8-4.4-2.8-7S8 5 10 3z',
  image:
    'M5 4h10a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM7.3 6.9a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6zM3.5 14.5l4-3.8 3 2.8 2.5-2.2 3.5 3',
  inbox:
    'M3 11.5l2-6.6A1.5 1.5 0 0 1 6.4 3.8h7.2A1.5 1.5 0 0 1 15 4.9l2 6.6v3a1.7 1.7 0 0 1-1.7 1.7H4.7A1.7 1.7 0 0 1 3 14.5zM3 11.5h4a3 3 0 0 0 6 0h4',
  panel: 'M5 4h10a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM12.5 4v12',
  retry: 'M16 10a6 6 0 1 1-1.8-4.3M16.3 3v3.4h-3.4',
  search: 'M9 3.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 9 3.8zM13 13l4 4',
  sliders: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM7 12a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  user: 'M10 4a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM4 16.5c.5-3 2.8-4.7 6-4.7s5.5 1.7 6 4.7',
} as const

bringIcons(seldomShapes)
