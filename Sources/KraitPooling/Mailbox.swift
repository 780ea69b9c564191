import KraitObservability

/// Carries elements from a thread that must not wait to the one task that reads them, in order.
///
/// It has no bound of its own: what is put is bounded by whoever lets it be sent, such as a
/// stream's credit.
package final class Mailbox<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var isClosed = false
        // Not a checked one: that costs an allocation a wait.
        var reader: UnsafeContinuation<Void, Never>?
    }

    private let state = Lock(State())

    package init() {}

    /// Adds an element, and wakes the reader; one that is put after the end is discarded.
    package func put(_ element: Element) {
        let reader = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            guard !state.isClosed else { return nil }
            state.elements.append(element)
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    /// Ends it, from any thread and any number of times; what is in it can still be taken, unless
    /// that is to be discarded.
    package func close(discarding: Bool = false) {
        let reader = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            state.isClosed = true
            if discarding { state.elements = [] }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    /// Takes all there is, at least one; waits for it, and gives nil at the end.
    ///
    /// Cancelling the task does nothing: whoever cancels closes the mailbox.
    package func take(isolation: isolated (any Actor)? = #isolation) async -> [Element]? {
        while true {
            let (taken, isClosed) = state.withLock { state in
                let taken = state.elements
                state.elements = []
                return (taken, state.isClosed)
            }
            if !taken.isEmpty { return taken }
            if isClosed { return nil }
            await withUnsafeContinuation { continuation in
                let isReady = state.withLock { state in
                    let isReady = state.isClosed || !state.elements.isEmpty
                    if !isReady { state.reader = continuation }
                    return isReady
                }
                if isReady { continuation.resume() }
            }
        }
    }
}
