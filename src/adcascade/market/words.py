"""The category tree and its words: 8 departments of 5 leaf categories, each leaf with words of its own."""

TREE: dict[str, dict[str, str]] = {
    "sports": {
        "shoes": "sneaker trainer runner cleat sole lace",
        "cycling": "bicycle pedal saddle helmet gravel chain",
        "fitness": "dumbbell kettlebell treadmill yoga mat rower",
        "camping": "tent lantern hammock stove backpack sleeping",
        "swimming": "swimsuit goggles snorkel wetsuit kickboard paddle",
    },
    "fashion": {
        "dresses": "dress gown skirt silk floral maxi",
        "jackets": "jacket parka blazer hoodie windbreaker denim",
        "bags": "handbag tote clutch purse satchel leather",
        "jewelry": "necklace earring bracelet pendant ring gold",
        "watches": "watch chronograph dial strap quartz automatic",
    },
    "electronics": {
        "phones": "phone smartphone charger case screen sim",
        "laptops": "laptop notebook ultrabook keyboard ssd ram",
        "audio": "headphones earbuds speaker soundbar amplifier vinyl",
        "cameras": "camera lens tripod drone zoom mirrorless",
        "gaming": "console controller joystick headset arcade gpu",
    },
    "home": {
        "kitchen": "pan knife blender kettle toaster espresso",
        "bedroom": "pillow duvet mattress blanket linen quilt",
        "lighting": "lamp chandelier bulb sconce led dimmer",
        "furniture": "sofa chair desk shelf wardrobe stool",
        "garden": "hose shovel planter mower hedge greenhouse",
    },
    "beauty": {
        "makeup": "lipstick mascara foundation blush eyeliner palette",
        "skincare": "serum moisturizer sunscreen cleanser toner retinol",
        "hair": "shampoo conditioner dryer straightener brush clipper",
        "fragrance": "perfume cologne musk citrus jasmine sandalwood",
        "nails": "polish manicure cuticle gel file pedicure",
    },
    "food": {
        "coffee": "coffee beans roast arabica decaf filter",
        "snacks": "chips cracker popcorn pretzel almond jerky",
        "chocolate": "chocolate truffle praline cocoa caramel hazelnut",
        "wine": "wine merlot riesling corkscrew decanter sparkling",
        "pasta": "pasta spaghetti pesto ravioli tomato olive",
    },
    "kids": {
        "toys": "puzzle blocks doll robot kite marble",
        "books": "storybook coloring alphabet fairytale atlas comic",
        "strollers": "stroller pram carrier buggy carseat canopy",
        "school": "pencil crayon rucksack ruler notebookset eraser",
        "costumes": "costume cape mask wand tiara pirate",
    },
    "pets": {
        "dogs": "dog leash kennel bone harness puppy",
        "cats": "cat litter scratcher catnip kitten collar",
        "fish": "aquarium pump pebble coral guppy tank",
        "birds": "birdcage perch seed feeder parrot nest",
        "horses": "horse bridle stirrup halter hay reins",
    },
}

FILLERS: tuple[str, ...] = (  # say nothing about a category
    *("new", "classic", "premium", "light", "compact", "soft"),
    *("strong", "eco", "smart", "mini", "ultra", "original"),
)
BRANDS: tuple[str, ...] = (
    *("Aster", "Borealis", "Cobalt", "Delmar", "Ember", "Fennel", "Granit", "Halden", "Indra", "Juniper"),
    *("Kestrel", "Lumen", "Mistral", "Norden", "Opal", "Pinea", "Quill", "Rowan", "Solis", "Tamarin"),
    *("Umbra", "Verdant", "Willow", "Xenia", "Yarrow", "Zephyr", "Alder", "Bramble", "Cirrus", "Dorado"),
)
SCENARIOS: tuple[str, ...] = (  # the name tells which kind of page it is; see scenarios.py
    *("home", "search", "product", "category", "cart", "deals"),
    *("wishlist", "orders", "live", "video", "gifts", "games"),
)
DEVICES: tuple[str, ...] = ("phone", "desktop", "tablet")
COUNTRIES: tuple[str, ...] = ("US", "DE", "FR", "GB", "ES")
AGES: tuple[str, ...] = ("18-24", "25-34", "35-44", "45-54", "55+")
GENDERS: tuple[str, ...] = ("f", "m")
