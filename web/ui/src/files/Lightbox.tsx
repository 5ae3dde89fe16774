/** One picture on the whole screen. */
import type { Attachment } from '@frontdesk/sdk'
import { useEffect, useRef } from 'react'
import { IconButton } from '../Icon'
import { useText } from '../text/language'
import { useBlob, useDownload } from './blobs'

export function Lightbox({ image, onClose }: { image: Attachment; onClose: () => void }) {
  const { common, chat } = useText()
  const ref = useRef<HTMLDialogElement>(null)
  const blob = useBlob(image.url)
  const download = useDownload()
  useEffect(() => ref.current?.showModal(), [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc closes a dialog, the click is the pointer's way
    <dialog
      ref={ref}
      className="lightbox"
      aria-label={image.name}
      onClose={onClose}
      onClick={(event) => !(event.target as Element).closest('button, img') && ref.current?.close()}
    >
      <div className="bar">
        <b className="clip grow" dir="auto">
          {image.name}
        </b>
        <IconButton
          icon="download"
          label={chat.download(image.name)}
          onClick={() => void download(image.url, image.name)}
        />
        <IconButton icon="x" label={common.close} onClick={() => ref.current?.close()} />
      </div>
      <div className="stage">
        {blob.state === 'ready' && <img src={blob.url} alt={image.name} />}
        {blob.state === 'loading' && <i className="spin" />}
        {blob.state === 'failed' && (
          <button type="button" className="btn" onClick={blob.retry}>
            {chat.image_failed} · {chat.retry}
          </button>
        )}
      </div>
    </dialog>
  )
}
