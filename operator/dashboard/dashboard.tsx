// The dashboard: starts reading, and draws the page that the address names. Start at model/ for what it makes of answers.
import './styles/dashboard.css'
import { Component, render } from 'preact'
import { App } from './app.tsx'
import { startAlertNews } from './data/alert-news.ts'
import { startEvents } from './data/event-stream.ts'
import { startTheme } from './data/theme.ts'

/** What is wrong with one page leaves the way to the others open. */
class Boundary extends Component<object, { failed: string | null }> {
  override state = { failed: null }

  override componentDidCatch(error: Error): void {
    this.setState({ failed: error.message })
    addEventListener('hashchange', () => this.setState({ failed: null }), { once: true })
  }

  override render() {
    if (this.state.failed === null) return this.props.children
    return (
      <div class="crash" role="alert">
        <h1>This page failed</h1>
        <p>{this.state.failed}</p>
        <p>
          <a href="#/overview">Go to the overview</a>, or load the page again.
        </p>
      </div>
    )
  }
}

startTheme()
startEvents()
startAlertNews()
const root = document.getElementById('app')
if (root !== null) {
  render(
    <Boundary>
      <App />
    </Boundary>,
    root,
  )
}
