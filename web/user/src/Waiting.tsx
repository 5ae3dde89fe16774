/** The card while it is not known which conversation to show. */
import { ListSkeleton, type MenuEntry, useSkeleton, useText } from '@frontdesk/ui'
import { Head } from './Head'

export function Waiting({ failed, menu }: { failed: boolean; menu: MenuEntry[] }) {
  const { chat } = useText()
  const skeleton = useSkeleton(true)
  return (
    <main className="card" aria-label={chat.conversation}>
      <Head room={null} connection={null} signedOut={false} menu={menu} />
      <div className="thread solid">
        <div className="log">
          <div className="in">
            {failed && (
              <p className="older" role="alert">
                {chat.loading_failed}
              </p>
            )}
            {skeleton === 'shown' && <ListSkeleton words={chat.loading} />}
          </div>
        </div>
      </div>
    </main>
  )
}
