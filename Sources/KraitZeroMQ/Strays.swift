/// Tells of messages of strangers, a few times and not for each.
///
/// The first is told at once; those that follow are counted and told together when the interval is
/// over.
final class Strays {
    private let interval: Duration
    private let thread: IOThread
    private let report: @Sendable (Int) -> Void
    private var count = 0
    private var timer: TimerToken?

    init(interval: Duration, thread: IOThread, report: @escaping @Sendable (Int) -> Void) {
        self.interval = interval
        self.thread = thread
        self.report = report
    }

    func came() {
        count += 1
        if timer == nil { tell() }
    }

    private func tell() {
        report(count)
        count = 0
        timer = thread.schedule(at: .now + interval) { [weak self] in
            guard let self else { return }
            timer = nil
            if count > 0 { tell() }
        }
    }
}
