import type { Logger } from '../telemetry/logger.ts'
import type { FileNews } from './watched-files.ts'

/** Files are read before there is a log: keeps what is told of them until somebody listens. */
export class FileNewsBoard {
  #log: Logger | null = null
  #early: FileNews[] = []

  listen(log: Logger): void {
    this.#log = log
    for (const news of this.#early.splice(0)) this.tell(news)
  }

  readonly tell = (news: FileNews): void => {
    if (this.#log === null) {
      this.#early.push(news)
      return
    }
    const settings = news.files.map(({ setting }) => setting).join(', ')
    const files = news.files.map(({ path }) => path).join(', ')
    if (news.problem === null) this.#log.info('files were read again', { settings, files })
    else {
      const fields = { code: 'FILE_NOT_USED', settings, problem: news.problem }
      this.#log.warn('a file cannot be used: what was read before stays', fields)
    }
  }
}
