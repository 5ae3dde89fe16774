/**
 * What a conversation can do without until it is asked for. Three chunks: signing in, files, and what opens over the page.
 * Their looks are loaded with the page, so that a part is one request.
 */
import '../session/login.css'
import { later } from './later'

const waitingFiles = <span className="sk files-wait" />
const waitingMenu = (
  <div className="pop">
    <i className="spin" />
  </div>
)

export const LoginPage = later(() => import('../session/LoginPage').then((it) => it.LoginPage))

const files = () => import('../files/files')
export const AttachmentList = later(() => files().then((it) => it.AttachmentList), waitingFiles)
export const UploadList = later(() => files().then((it) => it.UploadList), waitingFiles)
export const Tray = later(() => files().then((it) => it.Tray), waitingFiles)

const overlay = () => import('../overlay/overlay')
export const Dialog = later(() => overlay().then((it) => it.Dialog))
export const MenuList = later(() => overlay().then((it) => it.MenuList), waitingMenu)
export const SignOutDialog = later(() => overlay().then((it) => it.SignOutDialog))
export const DatePill = later(() => overlay().then((it) => it.DatePill))
export const Kept = later(() => overlay().then((it) => it.Kept))
