/// HTML's character references, as far as documents use them; what is unknown stays as it stands.
enum Entities {
    /// The text behind `&` and before `;`, such as `amp`, `#169` or `#xA9`.
    static func text(of name: some StringProtocol) -> String? {
        if name.hasPrefix("#x") || name.hasPrefix("#X") {
            return UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init).map(
                String.init
            )
        }
        if name.hasPrefix("#") {
            return UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init).map(String.init)
        }
        return named[String(name)]
    }

    /// The names of U+00A0 to U+00FF, in order.
    private static let latin = """
        nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg \
        plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 \
        iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave \
        Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute \
        Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave \
        eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml \
        divide oslash ugrave uacute ucirc uuml yacute thorn yuml
        """

    private static let named: [String: String] = {
        var named = [
            "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "ndash": "–",
            "mdash": "—", "lsquo": "‘", "rsquo": "’", "sbquo": "‚", "ldquo": "“", "rdquo": "”",
            "bdquo": "„", "bull": "•", "hellip": "…", "trade": "™", "larr": "←", "uarr": "↑",
            "rarr": "→", "darr": "↓", "minus": "−", "le": "≤", "ge": "≥", "ne": "≠", "euro": "€",
            "zwj": "", "zwnj": "", "ensp": " ", "emsp": " ", "thinsp": " ",
        ]
        for (offset, name) in latin.split(separator: " ").enumerated() {
            named[String(name)] = Unicode.Scalar(UInt32(0xA0 + offset)).map(String.init)
        }
        named["nbsp"] = " "
        named["shy"] = ""
        return named
    }()
}
