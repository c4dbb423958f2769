import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findNginx } from '../../operator/setup/nginx-binary.ts'
import { freePorts } from '../support/free-port.ts'
import { waitFor } from '../support/wait-for.ts'

export interface Nginx {
  readonly url: string
  /** `1.22.1` */
  readonly version: string
  readonly pid: number
  stop(): Promise<void>
}

/** What nginx is measured with: one process, as the dev gateway is one, and connections to the instance kept. */
export const nginxConfig = (port: number, backend: number, folder: string): string => `daemon off;
master_process off;
error_log stderr warn;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  upstream instance { server 127.0.0.1:${backend}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://instance;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }
  }
}
`

/** An nginx before one instance. @throws Error where none can be had */
export async function startNginx(backend: number, log: (line: string) => void): Promise<Nginx> {
  const path = await findNginx({ log })
  const { stderr } = await promisify(execFile)(path, ['-v'])
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-nginx-'))
  const [port] = (await freePorts(1)) as [number]
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, nginxConfig(port, backend, folder))
  const child = spawn(path, ['-p', folder, '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    child.kill('SIGQUIT')
    await exited
    rmSync(folder, { recursive: true, force: true })
  }
  const answers = async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`)
    return await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    )
  }
  try {
    await waitFor(answers, { what: 'nginx answering' })
  } catch (error) {
    await stop()
    throw error
  }
  return { url, version: /nginx\/(\S+)/.exec(stderr)![1]!, pid: child.pid!, stop }
}
