/** Language and appearance as entries of a menu. */
import type { MenuEntry } from '../overlay/Menu'
import { type Language, languages, setLanguage, useSpeech } from '../text/language'
import { setTheme, useTheme } from '../theme'

export function usePreferenceEntries(): MenuEntry[] {
  const { language, text } = useSpeech()
  const theme = useTheme()
  return [
    { kind: 'caption', label: text.common.theme },
    ...(['system', 'light', 'dark'] as const).map(
      (each): MenuEntry => ({
        kind: 'choice',
        label: text.common[`theme_${each}`],
        checked: theme === each,
        onSelect: () => setTheme(each),
      }),
    ),
    { kind: 'line' },
    { kind: 'caption', label: text.common.language },
    ...(Object.keys(languages) as Language[]).map(
      (each): MenuEntry => ({
        kind: 'choice',
        label: languages[each],
        lang: each,
        checked: language === each,
        onSelect: () => void setLanguage(each),
      }),
    ),
  ]
}
