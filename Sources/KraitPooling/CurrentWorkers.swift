/// The workers that live now, each under its number: looked up for every call, so not by a hash.
struct CurrentWorkers {
    private var workers: [(id: WorkerID, worker: any PoolWorker)?] = []

    /// The worker of this very life, or nil where it has ended.
    subscript(id: WorkerID) -> (any PoolWorker)? {
        get {
            guard id.number < workers.count, let (known, worker) = workers[id.number], known == id
            else { return nil }
            return worker
        }
        set {
            while workers.count <= id.number { workers.append(nil) }
            workers[id.number] = newValue.map { (id, $0) }
        }
    }
}
