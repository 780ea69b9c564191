import Testing

@testable import KraitWire

struct PlainJSONTests {
    @Test(arguments: [
        ##"{"$ref":"#/$defs/A"}"##, #"{"$bytes":1}"#, #"{"$float":"nan"}"#, #"{"$$x":null}"#,
        #"[1,1.0,-2e30,"é",true,null,{}]"#,
    ])
    func `what others write comes back as it was`(text: String) throws {
        let value = try PlainJSON.decode(Array(text.utf8))
        let written = String(decoding: try PlainJSON.encode(value), as: UTF8.self)
        #expect(try PlainJSON.decode(Array(written.utf8)) == value)
        if !text.contains("e30") { #expect(written == text) }
    }

    @Test(arguments: [
        Value.double(.nan), .double(-.infinity), .bytes([1]),
        .timestamp(Timestamp(seconds: 1)), ["deep": [.double(.infinity)]],
    ])
    func `what JSON has no form for is not written`(value: Value) {
        #expect(throws: WireError.self) { try PlainJSON.encode(value) }
    }

    @Test(arguments: ["", "{", "[1,]", "nan", #"{"a":1,"a":2}"#, "1 2"])
    func `what is no JSON is not read`(text: String) {
        #expect(throws: WireError.self) { try PlainJSON.decode(Array(text.utf8)) }
    }
}
