/** All that shows files, as one chunk: most conversations have none. */
import '../seldomIcons'

export { Tray } from '../composer/Tray'
export { AttachmentList } from './AttachmentView'
export { UploadList } from './UploadView'
