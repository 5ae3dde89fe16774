/** Files on their way: progress, stop, retry, and why one failed. All files of a message travel in one request. */
import type { ShownMessage, Upload } from '@frontdesk/sdk'
import { Icon, IconButton } from '../Icon'
import type { Messages } from '../text/language'
import { useText } from '../text/language'
import { fileSize, percent } from '../text/time'
import { extension, splitName } from './fileName'
import './files.css'

export interface UploadVerbs {
  retry(key: string): void
  stopUpload(key: string): void
}

interface Props {
  upload: Upload
  stop: () => void
  retry: () => void
}

export function UploadList({ message, verbs }: { message: ShownMessage; verbs: UploadVerbs }) {
  const actions = {
    stop: () => verbs.stopUpload(message.key),
    retry: () => verbs.retry(message.key),
  }
  return message.uploads.map((upload, index) => {
    const Shape = upload.preview_url && upload.state !== 'failed' ? PictureUpload : FileUpload
    // The files of a message never change places.
    return <Shape key={index} upload={upload} {...actions} />
  })
}

const circumference = 2 * Math.PI * 18

function PictureUpload({ upload, stop, retry }: Props) {
  const { chat } = useText()
  const share = upload.size > 0 ? upload.sent / upload.size : 0
  return (
    <span className="pic up">
      <img src={upload.preview_url} alt={upload.name} />
      {upload.state === 'stopped' ? (
        <button type="button" className="over" onClick={retry}>
          <Icon name="retry" />
          {chat.upload_stopped(percent(upload.sent, upload.size))}
          <b>{chat.retry}</b>
        </button>
      ) : upload.state === 'done' ? null : (
        <button type="button" className="over" aria-label={chat.upload_cancel(upload.name)} onClick={stop}>
          <svg className="ring" viewBox="0 0 44 44" aria-hidden="true">
            <circle cx="22" cy="22" r="18" />
            <circle
              cx="22"
              cy="22"
              r="18"
              strokeDasharray={circumference}
              strokeDashoffset={circumference * (1 - share)}
            />
            <path d="M18 18l8 8M26 18l-8 8" />
          </svg>
        </button>
      )}
    </span>
  )
}

function FileUpload({ upload, stop }: Props) {
  const { chat } = useText()
  const [stem, tail] = splitName(upload.name)
  const over = upload.state === 'stopped' || upload.state === 'failed'
  return (
    <div className={upload.state === 'failed' ? 'file bad' : 'file'}>
      <span className="ext" aria-hidden="true">
        {extension(upload.name)}
      </span>
      <span className="meta">
        <b title={upload.name} dir="auto">
          <span className="clip">{stem}</span>
          <span>{tail}</span>
        </b>
        <small>{uploadWords(chat, upload)}</small>
      </span>
      {!over && upload.state !== 'done' && (
        <IconButton icon="x" label={chat.upload_cancel(upload.name)} onClick={stop} />
      )}
      {upload.state === 'uploading' && (
        <span className="bar">
          <i style={{ width: `${upload.size > 0 ? (100 * upload.sent) / upload.size : 0}%` }} />
        </span>
      )}
    </div>
  )
}

function uploadWords(chat: Messages['chat'], upload: Upload): string {
  switch (upload.state) {
    case 'waiting':
      return chat.upload_waiting
    case 'uploading':
      return chat.upload_progress(percent(upload.sent, upload.size), fileSize(upload.sent), fileSize(upload.size))
    case 'stopped':
      return chat.upload_stopped(percent(upload.sent, upload.size))
    case 'failed':
      return upload.error === 'too_large'
        ? chat.file_too_large
        : upload.error === 'unsupported_media_type'
          ? chat.file_type
          : chat.upload_failed
    case 'done':
      return fileSize(upload.size)
  }
}
