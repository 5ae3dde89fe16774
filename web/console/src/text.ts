/** The console's own words and number formats in the language of the page. */
import { type Messages, useSpeech, useText } from '@frontdesk/ui'
import { useMemo } from 'react'

export type ConsoleText = Messages['console']

export const useConsoleText = (): ConsoleText => useText().console

/** Counts as people of that language write them; "12K" where there is no room for more. */
export function useNumber(notation: 'standard' | 'compact' = 'standard'): (value: number) => string {
  const { language } = useSpeech()
  return useMemo(() => {
    const format = new Intl.NumberFormat(language, { notation })
    return (value: number) => format.format(value)
  }, [language, notation])
}

const apple = /Mac|iPhone|iPad/.test(navigator.platform)

/** The keys as they are printed on this machine's keyboard. */
export const keyNames = {
  alt: apple ? '⌥' : 'Alt',
  mod: apple ? '⌘' : 'Ctrl',
  shift: apple ? '⇧' : 'Shift',
  enter: '↵',
  esc: 'Esc',
} as const
