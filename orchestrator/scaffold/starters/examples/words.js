export const thanks = (item) => `Thank you. Your ${item} is on its way.`;
