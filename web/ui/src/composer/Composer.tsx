/**
 * Where a message is written. The field is never disabled, is emptied at once and keeps the focus; only emptiness and
 * length hold a message back. `one`: a single row for users. `desk`: the console's taller one.
 */
import {
  type ClipboardEvent,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useEffect,
  useId,
  useImperativeHandle,
  useRef,
  useState,
} from 'react'
import { Icon, IconButton } from '../Icon'
import { Tray } from '../later/parts'
import { useText } from '../text/language'
import './composer.css'
import { readDraft, writeDraft } from './drafts'
import { useAutoHeight } from './useAutoHeight'
import { useStagedFiles } from './useStagedFiles'

/** From here on the number of characters left is shown. */
const counter_from = 50

export interface ComposerHandle {
  focus(): void
  addFiles(files: File[]): void
  /** Without asking `mayGo`. */
  send(): void
  /** Brings a text back, before what is there. */
  bringBack(text: string): void
}

export interface ComposerProps {
  look: 'one' | 'desk'
  /** The field's name for screen readers. */
  label: string
  placeholder: string
  /** See `draftKey`; another key is another composer. */
  draftKey: string
  /** The longest message in characters (Unicode scalar values). */
  max: number
  /** Which key sends; the other one, and Shift+Enter, breaks the line. */
  sendWith?: 'enter' | 'mod+enter'
  autoFocus?: boolean
  onSend(text: string, files: File[]): void
  /** Asked before anything goes; false keeps it in the field. */
  mayGo?(): boolean
  onTyping(is_typing: boolean): void
  /** `desk` only: beside the send button. */
  hint?: ReactNode
  /** `desk` only: above the field. */
  top?: ReactNode
  id?: string
  ref?: Ref<ComposerHandle>
}

export function Composer(props: ComposerProps) {
  return <Desk key={props.draftKey} {...props} />
}

/** Whether this Enter belongs to an input method that is still composing a word. */
export const isComposing = (event: KeyboardEvent) => event.nativeEvent.isComposing || event.keyCode === 229

function Desk({ look, label, placeholder, draftKey, max, sendWith = 'enter', autoFocus, ...props }: ComposerProps) {
  const { onSend, mayGo, onTyping, hint, top, id, ref } = props
  const { chat } = useText()
  const [text, setText] = useState(() => readDraft(draftKey))
  const files = useStagedFiles()
  const field = useRef<HTMLTextAreaElement>(null)
  const picker = useRef<HTMLInputElement>(null)
  const counterId = useId()
  useAutoHeight(field, text)

  useImperativeHandle(ref, () => ({
    focus: () => field.current?.focus(),
    addFiles: (added) => {
      files.add(added)
      field.current?.focus()
    },
    send: () => send(true),
    bringBack: (back) => {
      change(text === '' ? back : `${back}\n${text}`)
      field.current?.focus()
    },
  }))
  useEffect(() => {
    if (autoFocus) field.current?.focus({ preventScroll: true })
  }, [autoFocus])

  const left = charsLeft(text, max)
  const sendable = left >= 0 && (text.trim() !== '' || files.staged.some((entry) => !entry.tooLarge))

  const change = (next: string) => {
    setText(next)
    writeDraft(draftKey, next)
    onTyping(next !== '')
  }
  const send = (anyway = false) => {
    field.current?.focus()
    if (!sendable || (!anyway && mayGo?.() === false)) return
    // Before the draft goes: a page that ends in between has it twice rather than not at all.
    onSend(text, files.take())
    setText('')
    writeDraft(draftKey, '')
    onTyping(false)
  }
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (isComposing(event)) return
    if (event.key === 'Escape') field.current?.blur()
    if (event.key !== 'Enter' || event.shiftKey || event.altKey) return
    if (sendWith === 'mod+enter' && !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    send()
  }
  const onPaste = (event: ClipboardEvent) => {
    if (event.clipboardData.files.length === 0) return
    event.preventDefault()
    files.add([...event.clipboardData.files])
  }

  const attach = <IconButton icon="clip" label={chat.attach} onClick={() => picker.current?.click()} />
  const sendButton = (
    <button
      type="button"
      className="send"
      aria-label={chat.send}
      title={chat.send}
      aria-disabled={!sendable}
      onClick={() => send()}
    >
      <Icon name="arrowUp" />
    </button>
  )
  const counter = left <= counter_from && (
    <span id={counterId} className={left < 0 ? 'hint bad num' : 'hint num'} role="status">
      {left < 0 ? chat.chars_over(-left) : chat.chars_left(left)}
    </span>
  )
  const area = (
    <textarea
      ref={field}
      id={id}
      rows={1}
      dir="auto"
      aria-label={label}
      aria-describedby={counter ? counterId : undefined}
      aria-invalid={left < 0 || undefined}
      placeholder={placeholder}
      enterKeyHint="send"
      value={text}
      onChange={(event) => change(event.target.value)}
      onKeyDown={onKeyDown}
      onPaste={onPaste}
      onBlur={() => onTyping(false)}
    />
  )
  return (
    <div className={`desk ${look} ${left < 0 ? 'is-bad' : ''}`}>
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        aria-label={chat.attach}
        onChange={(event) => {
          files.add([...(event.target.files ?? [])])
          event.target.value = ''
          field.current?.focus()
        }}
      />
      {(top || counter) && (
        <div className="top">
          {top}
          <span className="grow" />
          {counter}
        </div>
      )}
      {files.staged.length > 0 && <Tray staged={files.staged} onRemove={files.remove} />}
      {files.tooMany && (
        <p className="hint bad over" role="alert">
          <Icon name="alert" size={14} />
          {chat.files_too_many(files.staged.length)}
        </p>
      )}
      {look === 'one' ? (
        <div className="bot">
          {attach}
          {area}
          {sendButton}
        </div>
      ) : (
        <>
          {area}
          <div className="bot">
            {attach}
            <span className="grow" />
            {hint && <span className="hint">{hint}</span>}
            {sendButton}
          </div>
        </>
      )}
    </div>
  )
}

/** Counted only near the limit: a text has at least as many code units as characters. */
function charsLeft(text: string, max: number): number {
  if (text.length < max - counter_from) return max - text.length
  return max - [...text].length
}
