/** One message: its text in a bubble, its files beside it. */
import type { ShownMessage } from '@frontdesk/sdk'
import { memo, useLayoutEffect, useRef, useState } from 'react'
import type { UploadVerbs } from '../files/UploadView'
import { AttachmentList, UploadList } from '../later/parts'
import { useText } from '../text/language'
import { isEmojiOnly, richText } from './richText'

const fold_px = 400
/** Shorter texts cannot reach the height at which they fold, so they are not measured. */
const measured_chars_min = 400

export const Bubble = memo(function Bubble({ message, verbs }: { message: ShownMessage; verbs: UploadVerbs }) {
  return (
    <>
      {message.message !== '' && <TextBubble message={message} />}
      {message.uploads.length > 0 && <UploadList message={message} verbs={verbs} />}
      {message.attachments.length > 0 && (
        <AttachmentList attachments={message.attachments} anchor={`${message.key} files`} />
      )}
    </>
  )
})

function TextBubble({ message }: { message: ShownMessage }) {
  const emoji = isEmojiOnly(message.message)
  return (
    <div data-key={message.key} className={`bub ${emoji ? 'emoji' : ''} ${message.state ?? ''}`}>
      <Folding text={message.message} />
    </div>
  )
}

function Folding({ text }: { text: string }) {
  const { chat } = useText()
  const ref = useRef<HTMLDivElement>(null)
  const [folded, setFolded] = useState(false)
  const mayFold = text.length > measured_chars_min || text.split('\n').length > 12
  useLayoutEffect(() => {
    if (mayFold && ref.current && ref.current.scrollHeight > fold_px) setFolded(true)
  }, [mayFold])
  return (
    <>
      <div ref={ref} dir="auto" className={folded ? 'txt folded' : 'txt'}>
        {richText(text)}
      </div>
      {folded && (
        <button type="button" className="textlink unfold" onClick={() => setFolded(false)}>
          {chat.show_all}
        </button>
      )}
    </>
  )
}
