import KraitWire

/// Asks the daemon for its status again and again, on a connection of its own.
package final class StatusWatch {
    package private(set) var view: StatusView?
    /// When the latest view was asked for: what it shows is no older.
    package private(set) var askedAt = ContinuousClock.now
    private var pendingSince: ContinuousClock.Instant?
    private var connection: ControlConnection?
    private let loop: Loop
    /// The longest that a status took.
    package private(set) var slowest: Duration = .zero
    private static let pace: Duration = .milliseconds(10)

    package init(loop: Loop) { self.loop = loop }

    package func connect(to socket: String) throws(ChaosError) {
        view = nil
        connection = ControlConnection(socket, loop: loop) { [unowned self] answer in
            let now = ContinuousClock.now
            if let asked = pendingSince {
                slowest = max(slowest, asked.duration(to: now))
                askedAt = asked
            }
            pendingSince = nil
            if let found = StatusView(answer["ok"]) { view = found }
            loop.after(Self.pace) { [weak self] in self?.ask() }
        }
        guard connection != nil else { throw ChaosError("nobody listens at \(socket)") }
        ask()
    }

    package func hangUp() {
        connection?.close()
        connection = nil
        view = nil
    }

    private func ask() {
        guard let connection else { return }
        pendingSince = .now
        connection.send(#"{"id": 0, "verb": "status"}"#)
    }

    /// The pool of that name, as it was at `moment` or later.
    package func pool(_ name: String, since moment: ContinuousClock.Instant) -> StatusView.Pool? {
        askedAt > moment ? view?.pools[name] : nil
    }
}
