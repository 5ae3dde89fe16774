/** Stored files: pictures with their ratio known before they load, everything else as a card to download. */
import type { Attachment } from '@frontdesk/sdk'
import { useState } from 'react'
import { IconButton } from '../Icon'
import { useText } from '../text/language'
import { fileSize } from '../text/time'
import { useBlob, useDownload } from './blobs'
import { extension, splitName } from './fileName'
import './files.css'
import { Lightbox } from './Lightbox'

const width_max = 280
const height_max = 320
/** Several pictures stand in rows of this height. */
const row_height = 140

const isImage = (file: Attachment): file is Attachment & { width: number; height: number } =>
  Boolean(file.width && file.height) && /^image\/(png|jpeg|gif|webp)$/.test(file.content_type)

/** `anchor`: a key by which the list finds its place again. */
export function AttachmentList({ attachments, anchor }: { attachments: Attachment[]; anchor: string }) {
  const images = attachments.filter(isImage)
  const others = attachments.filter((file) => !isImage(file))
  return (
    <>
      {images.length > 0 && (
        <div className="pics" data-key={anchor}>
          {images.map((image) => (
            <Picture key={image.id} image={image} size={images.length > 1 ? inRow(image) : alone(image)} />
          ))}
        </div>
      )}
      {others.map((file) => (
        <FileCard key={file.id} file={file} anchor={`${anchor} ${file.id}`} />
      ))}
    </>
  )
}

type Size = { width: number; height: number }
const alone = ({ width, height }: Size): Size => {
  const scale = Math.min(1, width_max / width, height_max / height)
  return { width: Math.max(64, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) }
}
const inRow = ({ width, height }: Size): Size => ({
  width: Math.round(Math.min(width_max, Math.max(70, (row_height * width) / height))),
  height: row_height,
})

function Picture({ image, size }: { image: Attachment; size: Size }) {
  const { chat } = useText()
  const [open, setOpen] = useState(false)
  const blob = useBlob(image.thumbnail_url ?? image.url)
  const style = { width: size.width, aspectRatio: `${size.width} / ${size.height}` }
  if (blob.state === 'failed') {
    return (
      <button type="button" className="pic failed" style={style} onClick={blob.retry}>
        {chat.image_failed}
        <b>{chat.retry}</b>
      </button>
    )
  }
  return (
    <>
      <button
        type="button"
        className="pic"
        style={style}
        aria-label={chat.open_image(image.name)}
        onClick={() => setOpen(true)}
      >
        {blob.state === 'ready' && <img src={blob.url} alt="" width={size.width} height={size.height} />}
      </button>
      {open && <Lightbox image={image} onClose={() => setOpen(false)} />}
    </>
  )
}

function FileCard({ file, anchor }: { file: Attachment; anchor: string }) {
  const { chat } = useText()
  const download = useDownload()
  const [state, setState] = useState<'idle' | 'loading' | 'failed'>('idle')
  const [stem, tail] = splitName(file.name)
  const fetchIt = async () => {
    setState('loading')
    await download(file.url, file.name).then(
      () => setState('idle'),
      () => setState('failed'),
    )
  }
  return (
    <div data-key={anchor} className={state === 'failed' ? 'file bad' : 'file'}>
      <span className="ext" aria-hidden="true">
        {extension(file.name)}
      </span>
      <span className="meta">
        <b title={file.name} dir="auto">
          <span className="clip">{stem}</span>
          <span>{tail}</span>
        </b>
        <small role={state === 'failed' ? 'alert' : undefined}>
          {state === 'failed' ? chat.download_failed : fileSize(file.size)}
        </small>
      </span>
      {state === 'loading' ? (
        <span className="ib">
          <i className="spin" />
        </span>
      ) : (
        <IconButton icon="download" label={chat.download(file.name)} onClick={fetchIt} />
      )}
    </div>
  )
}
