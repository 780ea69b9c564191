import KraitWire
import KraitZeroMQ

extension ReceivedFrame: SharedBytes {}
