/// What an envelope is.
///
/// The raw value is the header's byte; *Worker protocol* has the table.
package enum EnvelopeKind: UInt8, Sendable, Hashable, CaseIterable {
    case hello = 1
    case ready = 2
    case call = 3
    case reply = 4
    case fault = 5
    case cancel = 9
    case heartbeat = 10
    case drain = 14
    case goodbye = 15
}
