/** The files that will go with the message: pictures as thumbs, others as cards. */
import { extension, splitName } from '../files/fileName'
import { Icon, IconButton } from '../Icon'
import { useText } from '../text/language'
import { fileSize } from '../text/time'
import type { StagedFile } from './useStagedFiles'

export function Tray({ staged, onRemove }: { staged: StagedFile[]; onRemove: (id: number) => void }) {
  return (
    <ul className="tray">
      {staged.map((entry) => (
        <li key={entry.id}>
          <Staged entry={entry} onRemove={() => onRemove(entry.id)} />
        </li>
      ))}
    </ul>
  )
}

function Staged({ entry, onRemove }: { entry: StagedFile; onRemove: () => void }) {
  const { chat } = useText()
  const { file, preview, tooLarge } = entry
  if (preview && !tooLarge) {
    return (
      <span className="thumb">
        <img src={preview} alt={file.name} />
        <button
          type="button"
          className="xx"
          aria-label={chat.remove_file(file.name)}
          title={chat.remove_file(file.name)}
          onClick={onRemove}
        >
          <Icon name="x" size={14} />
        </button>
      </span>
    )
  }
  const [stem, tail] = splitName(file.name)
  return (
    <div className={tooLarge ? 'file bad' : 'file'}>
      <span className="ext" aria-hidden="true">
        {extension(file.name)}
      </span>
      <span className="meta">
        <b title={file.name} dir="auto">
          <span className="clip">{stem}</span>
          <span>{tail}</span>
        </b>
        <small role={tooLarge ? 'alert' : undefined}>{tooLarge ? chat.file_too_large : fileSize(file.size)}</small>
      </span>
      <IconButton icon="x" label={chat.remove_file(file.name)} onClick={onRemove} />
    </div>
  )
}
