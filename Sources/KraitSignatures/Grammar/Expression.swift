/// An expression of Python's grammar, as far as DSPy looks into annotations.
///
/// Everything is parsed, because a mistake anywhere is a SyntaxError; what DSPy would refuse to
/// interpret is kept only as its kind.
struct Expression {
    var kind: Kind
    /// Its bytes in the text.
    var range: Range<Int>

    enum Kind {
        case name(String)
        case constant(LiteralValue)
        indirect case attribute(Expression, String)
        /// `base[a, b]`; the arguments as DSPy passes them on, always as a tuple.
        indirect case subscripted(Expression, [Expression])
        /// `left | right`.
        indirect case union(Expression, Expression)
        case tuple([Expression])
        /// A call of `Field` by that name, which DSPy would carry out.
        case fieldCall([FieldArgument])
        /// What DSPy does not interpret, named for a person.
        case other(String)
    }

    /// A keyword argument of `Field(…)`; nil for `**`.
    struct FieldArgument {
        var name: String?
        var value: Expression
    }
}

/// One parameter of a side that becomes a field.
struct Parameter {
    var name: String
    var annotation: Expression?
    var range: Range<Int>
}
