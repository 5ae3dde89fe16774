/** What kind of screen and pointer this is; the same borders as in the style sheets. */
import { useCallback, useSyncExternalStore } from 'react'

function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const media = matchMedia(query)
      media.addEventListener('change', listener)
      return () => media.removeEventListener('change', listener)
    },
    [query],
  )
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches)
}

/** One pane at a time. */
export const usePhone = () => useMedia('(max-width: 719px)')
/** Room for three panes. */
export const useWide = () => useMedia('(min-width: 1200px)')
/** Fingers: opening a room must not bring up the keyboard. */
export const useTouch = () => useMedia('(pointer: coarse)')
