import Krait

/// What the desk knows.
let handbook = [
    Document(
        name: "returns",
        text: """
            You can return any lamp within 30 days with the label that lies in its box. The money \
            is back on your card five working days after the parcel has reached us.
            """
    ),
    Document(
        name: "repairs",
        text: """
            A lamp that broke within two years is repaired without a charge. Send us a picture of \
            the damage first, since most switches can be exchanged at home in some minutes.
            """
    ),
    Document(
        name: "delivery",
        text: """
            Parcels leave the store on the day of the order where it comes before noon. Abroad \
            they take between four and nine days, and the customs office may want to see the bill.
            """
    ),
]
