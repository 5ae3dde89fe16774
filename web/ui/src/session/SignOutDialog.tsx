/** Asks before what was not sent goes for good; or says that the server could not be told. */
import { Dialog } from '../overlay/Dialog'
import { useText } from '../text/language'

interface Props {
  /** 0: the person is out already. */
  unsent: number
  onClose: () => void
  onLeave: () => void
}

export function SignOutDialog({ unsent, onClose, onLeave }: Props) {
  const { common } = useText()
  if (unsent === 0) {
    return (
      <Dialog title={common.sign_out} onClose={onClose}>
        <p>{common.sign_out_failed}</p>
      </Dialog>
    )
  }
  const actions = (
    <>
      <button type="button" className="btn" onClick={onClose}>
        {common.unsent_stay}
      </button>
      <button type="button" className="btn danger" onClick={onLeave}>
        {common.sign_out}
      </button>
    </>
  )
  return (
    <Dialog title={common.unsent_title} onClose={onClose} actions={actions}>
      <p>{common.unsent_text(unsent)}</p>
    </Dialog>
  )
}
