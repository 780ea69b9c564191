import KraitWire

/// An object of a class that is none of Python's containers and numbers: an enum's member, a
/// pydantic model, a `datetime`, one of DSPy's types.
///
/// A class (not a structure) so that a `PythonValue` stays small; it never changes.
package final class PythonInstance: Sendable {
    /// The name of its class.
    package let className: String
    /// What pydantic's JSON mode makes of it.
    package let json: PythonValue
    /// `str(…)` of it.
    package let text: String
    /// `repr(…)` of it.
    package let representation: String
    /// A model's fields in order.
    package let fields: PythonDict?
    /// An enum member's name.
    package let memberName: String?

    /// An object by its texts.
    ///
    /// Without texts, one with `fields` prints as pydantic's models do: `a=1 b='x'` and
    /// `Name(a=1, b='x')`.
    package init(
        className: String,
        json: PythonValue,
        text: String? = nil,
        representation: String? = nil,
        fields: PythonDict? = nil,
        memberName: String? = nil
    ) {
        self.className = className
        self.json = json
        self.fields = fields
        self.memberName = memberName
        if let fields, text == nil || representation == nil {
            let parts = fields.entries.map { "\($0.key.text)=\($0.value.representation)" }
            self.text = text ?? parts.joined(separator: " ")
            self.representation =
                representation ?? "\(className)(\(parts.joined(separator: ", ")))"
        } else {
            let shown = text ?? json.text
            self.text = shown
            self.representation = representation ?? shown
        }
    }

    /// A member of a plain `enum.Enum`.
    package static func enumMember(
        of type: String,
        name: String,
        value: PythonValue
    ) -> PythonInstance {
        PythonInstance(
            className: type,
            json: value,
            text: "\(type).\(name)",
            representation: "<\(type).\(name): \(value.representation)>",
            memberName: name
        )
    }
}

extension PythonInstance {
    /// A wire's point in time: a `datetime` in UTC, of whole microseconds.
    package convenience init(_ time: Timestamp) {
        let (days, second) = time.seconds.quotientAndRemainderRoundedDown(by: 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        let micro = Int64(time.nanoseconds / 1_000)
        let clock = [second / 3_600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }
        let fraction = micro == 0 ? "" : "." + Self.padded(micro, 6)
        let day =
            [Self.padded(date.year, 4), Self.padded(date.month, 2), Self.padded(date.day, 2)]
            .joined(separator: "-")
        let moment = clock.joined(separator: ":") + fraction
        var parts = [date.year, date.month, date.day, second / 3_600, second / 60 % 60]
        if second % 60 != 0 || micro != 0 { parts.append(second % 60) }
        if micro != 0 { parts.append(micro) }
        let arguments = parts.map(String.init).joined(separator: ", ")
        self.init(
            className: "datetime",
            json: .string("\(day)T\(moment)Z"),
            text: "\(day) \(moment)+00:00",
            representation: "datetime.datetime(\(arguments), tzinfo=datetime.timezone.utc)"
        )
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

/// A day of the Gregorian calendar.
private struct CivilDate {
    var year: Int64
    var month: Int64
    var day: Int64

    /// Counts in eras of 400 years that begin on the first of March.
    init(daysSinceEpoch days: Int64) {
        let (era, dayOfEra) = (days + 719_468).quotientAndRemainderRoundedDown(by: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}

extension Int64 {
    fileprivate func quotientAndRemainderRoundedDown(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
