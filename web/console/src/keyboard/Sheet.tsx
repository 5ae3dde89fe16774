/** All shortcuts on one sheet, as this machine's keyboard prints them. */
import { Dialog } from '@frontdesk/ui'
import { useSendKey } from '../settings/Settings'
import { type ConsoleText, keyNames, useConsoleText } from '../text'
import './keyboard.css'
import { useLetters } from './useShortcuts'

type Line = [words: string, ...keys: string[][]]

export function Sheet({ onClose }: { onClose(): void }) {
  const text = useConsoleText()
  const [letters] = useLetters()
  const [sendKey] = useSendKey()
  return (
    <Dialog title={text.keyboard} onClose={onClose} width={760}>
      <div className="keys-columns">
        {sections(text, letters, sendKey).map(([title, lines]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {lines.map((line) => (
                <KeyLine key={line[0]} line={line} />
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p className="keys-note">{letters ? text.letters_note : text.letters_off_note}</p>
    </Dialog>
  )
}

function KeyLine({ line: [words, ...combinations] }: { line: Line }) {
  return (
    <div>
      <dt>{words}</dt>
      <dd>
        {combinations.map((keys) => (
          <span className="keys" key={keys.join('+')}>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </span>
        ))}
      </dd>
    </div>
  )
}

function sections(text: ConsoleText, letters: boolean, sendKey: 'enter' | 'mod_enter'): [string, Line[]][] {
  const { alt, mod, shift, enter, esc } = keyNames
  const single = (key: string): string[][] => (letters ? [[key]] : [])
  const send: Line[] =
    sendKey === 'enter'
      ? [
          [text.key_send, [enter]],
          [text.key_line, [shift, enter]],
        ]
      : [
          [text.key_send, [mod, enter]],
          [text.key_line, [enter]],
        ]
  const anywhere: Line[] = [
    [text.key_search, ...single('/')],
    [text.key_help, ...single('?')],
    [text.key_panes, ['F6']],
    [text.key_close, [esc]],
  ]
  const rooms: Line[] = [
    [text.key_next, ...single('J'), [alt, 'J']],
    [text.key_previous, ...single('K'), [alt, 'K']],
    [text.key_open, [enter]],
    [text.key_resolve, [alt, 'E']],
  ]
  const hasKeys = (line: Line) => line.length > 1
  return [
    [text.keys_anywhere, anywhere.filter(hasKeys)],
    [text.keys_rooms, rooms],
    [text.keys_writing, send],
    [text.keys_view, [[text.key_details, [alt, 'O']]]],
  ]
}
