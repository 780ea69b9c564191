import Glibc

/// An index over texts that finds the passages which answer a query best, by BM25.
///
/// A value that never changes: searches run at the same time without waiting for each other. The
/// same texts give the same index, and the same query the same passages in the same order.
///
/// The score of a passage is the sum over the query's distinct terms, with k1 = 1.2 and b = 0.75:
///
/// ```
/// idf · tf / (tf + k1 · (1 − b + b · length / mean length))
/// idf = ln(1 + (N − n + ½) / (n + ½))
/// ```
///
/// S. Robertson and H. Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009,
/// section 3.4; this `idf`, which is never negative, is that of Lucene's `BM25Similarity`.
public struct TextIndex: Sendable {
    /// How soon a term's repetitions count less.
    static let k1 = 1.2
    /// How much a passage's length counts against it.
    static let b = 0.75

    /// How many documents there are.
    public let documentCount: Int
    /// How many passages were left out because the same text stands elsewhere in the index.
    public private(set) var duplicateCount = 0
    /// What a folder held that is not in the index, and why.
    public let skipped: [Skipped]

    private var entries: [Entry] = []
    private var terms: [String: Int] = [:]
    private var postings: [[Posting]] = []
    /// For each passage `k1 · (1 − b + b · length / mean length)`.
    private var norms: [Double] = []

    private struct Entry: Sendable {
        var document: String
        var title: String
        var section: String
        var text: String
    }

    private struct Posting: Sendable {
        var passage: Int32
        var count: Int32
    }

    /// How many passages there are to find.
    public var passageCount: Int { entries.count }

    /// An index of these documents.
    public init(_ documents: [Document]) { self.init(documents, skipped: []) }

    init(_ documents: [Document], skipped: [Skipped]) {
        documentCount = documents.count
        self.skipped = skipped
        var seen: Set<String> = []
        var lengths: [Int] = []
        for document in documents {
            // A file's name is no text of the document's.
            let title = document.title == document.name ? "" : document.title
            for section in document.sections {
                for text in Passages.cut(section.paragraphs) {
                    guard seen.insert(text).inserted else {
                        duplicateCount += 1
                        continue
                    }
                    let heading = section.heading.isEmpty ? title : section.heading
                    entries.append(
                        Entry(
                            document: document.name,
                            title: document.title,
                            section: section.heading.isEmpty ? document.title : section.heading,
                            text: text
                        )
                    )
                    lengths.append(add(text, under: heading))
                }
            }
        }
        let mean = max(1, Double(lengths.reduce(0, +)) / Double(max(1, lengths.count)))
        norms = lengths.map { Self.k1 * (1 - Self.b + Self.b * Double($0) / mean) }
    }

    /// Counts the terms of the passage appended last and of its heading, and gives their number.
    private mutating func add(_ text: String, under heading: String) -> Int {
        let passage = Int32(entries.count - 1)
        var length = 0
        func count(_ term: String) {
            length += 1
            guard let id = terms[term] else {
                terms[term] = postings.count
                postings.append([Posting(passage: passage, count: 1)])
                return
            }
            let last = postings[id].count - 1
            if postings[id][last].passage == passage {
                postings[id][last].count += 1
            } else {
                postings[id].append(Posting(passage: passage, count: 1))
            }
        }
        Tokens.forEachTerm(in: heading, count)
        Tokens.forEachTerm(in: text, count)
        return length
    }

    /// The passages that answer a query best, the best first; of equals the earlier one first.
    ///
    /// Fewer than `top` where fewer share a term with the query. Costs the number of passages that
    /// do.
    public func search(_ query: String, top: Int) -> [Passage] {
        var scores = [Double](repeating: 0, count: entries.count)
        var hits: [Int] = []
        for id in Set(Tokens.terms(in: query)).compactMap({ terms[$0] }).sorted() {
            let found = Double(postings[id].count)
            let idf = log(1 + (Double(entries.count) - found + 0.5) / (found + 0.5))
            for posting in postings[id] {
                let passage = Int(posting.passage)
                if scores[passage] == 0 { hits.append(passage) }
                let count = Double(posting.count)
                scores[passage] += idf * count / (count + norms[passage])
            }
        }
        hits.sort { (scores[$1], $0) < (scores[$0], $1) }
        return hits.prefix(max(0, top)).map { hit in
            let entry = entries[hit]
            return Passage(
                document: entry.document,
                title: entry.title,
                section: entry.section,
                text: entry.text,
                score: scores[hit]
            )
        }
    }
}
