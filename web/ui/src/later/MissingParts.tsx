/** Says that a part of the page could not be loaded: the network is away, or the server has a newer page by now. */
import { Banner } from '../feedback/Banner'
import { useText } from '../text/language'
import { useMissing } from './later'

/** Mounted once per page. */
export function MissingParts() {
  const { common } = useText()
  if (!useMissing()) return null
  const again = (
    <button type="button" className="btn small" onClick={() => location.reload()}>
      {common.crash_reload}
    </button>
  )
  return (
    <div className="missing">
      <Banner kind="warn" icon="alert" action={again}>
        {common.part_failed}
      </Banner>
    </div>
  )
}
